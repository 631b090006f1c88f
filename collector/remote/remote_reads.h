// The reads of one selection: several ends are asked at once, and one thread takes what they answer as it comes.
//
// The thread that asks is the one that decodes; a connection waits while its last piece is not taken, so that no more
// of an answer is in memory than was decoded. Destroying it ends what is under way.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "collector/remote/remote_reader.h"
#include "core/matcher.h"
#include "core/result.h"
#include "storage/storage.h"

namespace vedette::collector {

class RemoteReads {
 public:
  explicit RemoteReads(const storage::QueryLimits& limits);
  ~RemoteReads();
  RemoteReads(const RemoteReads&) = delete;
  RemoteReads& operator=(const RemoteReads&) = delete;

  /// Asks the end if it is one to be asked: see RemoteReader::Ask().
  void Start(const std::shared_ptr<const RemoteReader>& reader, std::span<const Matcher> matchers, TimeRange range,
             TimeMs local_start);

  using Answers = std::vector<Result<std::vector<RemoteSeries>>>;
  /// Waits for all of them; once. An end that fails is an answer: "remote_read: ...". Errors: kCanceled, kTimeout, and
  /// that of QueryLimits::hold.
  Result<Answers> Finish();

 private:
  struct Inbox;
  struct Event;
  struct Ticket;
  struct Read;

  Status Take(Event& event);
  Result<std::vector<RemoteSeries>> ResultOf(Read& read, Result<HttpResponse> response) const;

  const storage::QueryLimits limits_;
  const std::shared_ptr<Inbox> inbox_;
  std::stop_source requests_;  // ends them
  std::vector<std::unique_ptr<Read>> reads_;
};

}  // namespace vedette::collector
