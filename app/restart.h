// Starting the agent anew without anybody's help: for a store that nothing but that brings back to writing.
#pragma once

namespace vedette::app {

/// Replaces this process by its own program with the same arguments: the same process id, so that whoever supervises
/// it sees nothing. Everything must have been stopped and closed. Returns, having said why, when that cannot be done or
/// was done less than a minute ago: a trouble that comes back at once is one for a person.
void RestartProcess();

}  // namespace vedette::app
