#include "collector/host/host_reader.h"

#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

#include "core/log.h"

namespace vedette::collector {

void HostReader::Use(std::shared_ptr<HostCollector> collector) {
  std::shared_ptr<Slot> next;
  if (collector) {
    next = std::make_shared<Slot>();
    next->collector = std::move(collector);
  }
  const std::lock_guard lock(state_->mutex);
  std::swap(state_->slot, next);
}

/// Under the mutex. False: the system has no more threads.
bool HostReader::Begin(const std::shared_ptr<State>& state, const std::shared_ptr<Slot>& slot) {
  try {
    std::thread([state, slot] {
      std::string text = slot->collector->Collect();
      const std::lock_guard lock(state->mutex);
      slot->text = std::move(text);
      slot->done = true;
      if (slot->hangs) slot->busy = slot->hangs = false;  // nobody waits for it any more
      state->changed.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  slot->busy = true;
  slot->done = false;
  return true;
}

std::string HostReader::Read() {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  std::unique_lock lock(state_->mutex);
  const std::shared_ptr<Slot> slot = state_->slot;
  if (!slot || slot->hangs) return {};
  state_->changed.wait_until(lock, deadline, [&] { return state_->stopped || !slot->busy; });
  if (state_->stopped || slot->busy || !Begin(state_, slot)) return {};
  state_->changed.wait_until(lock, deadline, [&] { return state_->stopped || slot->done; });
  if (slot->done) {
    slot->busy = false;
    state_->changed.notify_all();
    return std::move(slot->text);
  }
  slot->hangs = true;
  if (!state_->stopped) LogWarn("collector", "reading the host hangs", {{"after", FormatDuration(patience_)}});
  return {};
}

void HostReader::Stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  state_->changed.notify_all();
}

}  // namespace vedette::collector
