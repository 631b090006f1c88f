#include "collector/remote/remote_reads.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace vedette::collector {

using std::chrono::steady_clock;

/// A piece of an answer, or the end of a request.
struct RemoteReads::Event {
  std::size_t read = 0;
  bool streamed = false;
  std::string_view piece{};
  std::function<void(Status)> next{};  // of a piece
  std::optional<Result<HttpResponse>> end{};
};

struct RemoteReads::Inbox {
  std::mutex mutex;
  std::condition_variable changed;
  bool closed = false;         // guarded by mutex, like what follows
  std::deque<Event> events{};  // in order of arrival

  void Put(Event event) {
    {
      const std::lock_guard lock(mutex);
      if (!closed) {
        events.push_back(std::move(event));
        changed.notify_all();
        return;
      }
    }
    if (event.next) event.next(Gone());
  }
  void Close() {
    std::deque<Event> left;
    {
      const std::lock_guard lock(mutex);
      closed = true;
      left.swap(events);
    }
    for (Event& event : left) {
      if (event.next) event.next(Gone());
    }
  }
  static Status Gone() { return Fail(Code::kCanceled, "nobody waits for the answer any more"); }
};

/// A request that goes without an answer, because its io_context does, has ended, too.
struct RemoteReads::Ticket {
  std::shared_ptr<Inbox> inbox;
  std::size_t read;
  bool answered = false;

  Ticket(std::shared_ptr<Inbox> to, std::size_t number) : inbox(std::move(to)), read(number) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (!answered) Answer(Fail(Code::kCanceled, "the I/O threads ended before the request"));
  }
  void Answer(Result<HttpResponse> result) {
    answered = true;
    inbox->Put({.read = read, .end = std::move(result)});
  }
};

struct RemoteReads::Read {
  Read(std::shared_ptr<const RemoteReader> from, std::vector<std::string> added, ReadBudget::Hold hold)
      : reader(std::move(from)), budget(std::move(hold)), answer(*reader, std::move(added), budget) {}

  const std::shared_ptr<const RemoteReader> reader;
  ReadBudget budget;
  RemoteReader::Answer answer;
  const steady_clock::time_point started = steady_clock::now();
  Status status = Ok();  // of decoding, so far
  std::optional<Result<std::vector<RemoteSeries>>> result{};
};

RemoteReads::RemoteReads(const storage::QueryLimits& limits) : limits_(limits), inbox_(std::make_shared<Inbox>()) {}

RemoteReads::~RemoteReads() {
  inbox_->Close();
  requests_.request_stop();
}

void RemoteReads::Start(const std::shared_ptr<const RemoteReader>& reader, std::span<const Matcher> matchers,
                        TimeRange range, TimeMs local_start) {
  auto question = reader->Ask(matchers, range, local_start);
  if (!question) return;
  const std::size_t number = reads_.size();
  reads_.push_back(std::make_unique<Read>(reader, std::move(question->added), limits_.hold));
  HttpRequest& request = question->request;
  if (limits_.deadline) request.timeout = std::min(request.timeout, std::max(limits_.deadline->Left(), Millis(1)));
  request.stop = requests_.get_token();
  const auto streamed = std::make_shared<bool>(false);
  request.head_reader = [streamed](const HttpResponse& head) {
    *streamed = head.Header("Content-Type").starts_with("application/x-streamed-protobuf");
  };
  request.body_reader = [inbox = inbox_, number, streamed](std::string_view piece, std::function<void(Status)> next) {
    inbox->Put({.read = number, .streamed = *streamed, .piece = piece, .next = std::move(next)});
  };
  const auto ticket = std::make_shared<Ticket>(inbox_, number);
  reader->client().Start(std::move(request),
                         [ticket](Result<HttpResponse> result) { ticket->Answer(std::move(result)); });
}

Result<RemoteReads::Answers> RemoteReads::Finish() {
  const std::stop_callback on_stop(limits_.stop, [this] {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->changed.notify_all();
  });
  const auto is_done = [](const auto& read) { return read->result.has_value(); };
  while (!std::ranges::all_of(reads_, is_done)) {
    std::optional<Event> event;
    {
      std::unique_lock lock(inbox_->mutex);
      const auto ready = [&] { return !inbox_->events.empty() || limits_.stop.stop_requested(); };
      if (limits_.deadline) {
        inbox_->changed.wait_for(lock, limits_.deadline->Left(), ready);
      } else {
        inbox_->changed.wait(lock, ready);
      }
      if (!inbox_->events.empty()) {
        event = std::move(inbox_->events.front());
        inbox_->events.pop_front();
      }
    }
    Status wanted = Ok();
    if (limits_.stop.stop_requested()) wanted = Fail(Code::kCanceled, "canceled while remote ends were read");
    if (wanted && limits_.deadline && limits_.deadline->Passed()) {
      wanted = Fail(Code::kTimeout, "time ran out while remote ends were read");
    }
    if (event && wanted) {
      wanted = Take(*event);
    } else if (event && event->next) {
      event->next(wanted);
    }
    if (!wanted) return wanted.error();
  }
  Answers out;
  for (auto& read : reads_) out.push_back(*std::move(read->result));
  return out;
}

/// Errors: of QueryLimits::hold.
Status RemoteReads::Take(Event& event) {
  Read& read = *reads_[event.read];
  if (event.next) {
    if (read.status) read.status = read.answer.Read(event.piece, event.streamed);
    event.next(read.status);
  } else {
    read.result = ResultOf(read, *std::move(event.end));
  }
  if (!read.budget.refused()) return Ok();
  return read.status ? Status(read.result->error()) : read.status;
}

Result<std::vector<RemoteSeries>> RemoteReads::ResultOf(Read& read, Result<HttpResponse> response) const {
  const auto decode = [&]() -> Result<std::vector<RemoteSeries>> {
    VEDETTE_CHECK(read.status);
    if (!response) return response.error();
    return read.answer.Finish(*response);
  };
  auto out = decode();
  const ReadMetrics& metrics = read.reader->metrics();
  metrics.seconds->Observe(std::chrono::duration<double>(steady_clock::now() - read.started).count());
  (out ? metrics.ok : metrics.failed)->Increment();
  if (!out) {
    if (read.budget.refused()) return out;
    return Annotate("remote_read", std::move(out).error());
  }
  std::size_t samples = 0;
  for (const RemoteSeries& series : *out) samples += series.floats.size() + series.histograms.size();
  metrics.samples->Increment(static_cast<double>(samples));
  return out;
}

}  // namespace vedette::collector
