#include "collector/remote/remote_writers.h"

#include <algorithm>
#include <functional>
#include <set>
#include <thread>

#include "core/log.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kFeedPrefix = "remote_write/";

std::string FeedOf(const RemoteWriteEnd& end) {
  return fmt::format("{}{}", kFeedPrefix, end.name.empty() ? end.url : "=" + end.name);
}

/// The names of the ends' feeds. Of unnamed ends with one URL all but one are told apart by what else they are, not by
/// their order: each keeps its own when another one goes. `known`: the feeds there are; `running`: the end that uses
/// one.
std::vector<std::string> FeedsOf(std::span<const RemoteWriteEnd> ends, const std::vector<std::string>& known,
                                 const std::function<const RemoteWriteEnd*(const std::string&)>& running) {
  std::vector<std::string> out(ends.size());
  std::set<std::string> taken;
  const auto special = [](const RemoteWriteEnd& end) { return fmt::format("{}#{}", FeedOf(end), RemoteName(end)); };
  const auto choose = [&](std::size_t i, std::string feed) {
    if (out[i].empty() && taken.insert(feed).second) out[i] = std::move(feed);
  };
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const std::string feed = special(ends[i]);
    if (ends[i].name.empty() && std::ranges::find(known, feed) != known.end()) choose(i, feed);
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const RemoteWriteEnd* const before = running(FeedOf(ends[i]));
    if (before != nullptr && RemoteName(*before) == RemoteName(ends[i])) choose(i, FeedOf(ends[i]));
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    choose(i, FeedOf(ends[i]));
    choose(i, special(ends[i]));
    for (int n = 2; out[i].empty(); ++n) choose(i, fmt::format("{}#{}", special(ends[i]), n));
  }
  return out;
}

}  // namespace

RemoteWriters::~RemoteWriters() { Stop(Millis(0)); }

SendEnvironment RemoteWriters::Environment() {
  return {.feeds = services_.feeds,
          .clock = services_.clock,
          .new_client = services_.new_client,
          .metadata = services_.metadata,
          .metrics = *metrics_,
          .series_bytes = services_.series_bytes,
          .poll = services_.poll};
}

Status RemoteWriters::Apply(std::span<const RemoteWriteEnd> ends, const Labels& external_labels) {
  if (!metrics_ && !ends.empty()) metrics_.emplace(services_.registry);
  // What may fail comes first.
  for (const RemoteWriteEnd& end : ends) {
    if (std::ranges::count(ends, end) > 1) {
      return Fail(Code::kBadData, "duplicate remote write configs are not allowed, found duplicate for URL: {}",
                  Redacted(end.url));
    }
    VEDETTE_CHECK(HttpClient::Validate(end.http));
  }
  std::vector<std::unique_ptr<RemoteWriter>> before = std::move(writers_);
  writers_.clear();
  const std::vector<std::string> feeds =
      FeedsOf(ends, services_.feeds.Feeds(), [&](const std::string& feed) -> const RemoteWriteEnd* {
        const auto found = std::ranges::find(before, feed, [](const auto& writer) { return writer->feed(); });
        return found == before.end() ? nullptr : &(*found)->end();
      });
  std::vector<std::pair<const RemoteWriteEnd*, std::string>> fresh;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const RemoteWriteEnd& end = ends[i];
    std::string feed = feeds[i];
    const auto same = std::ranges::find_if(before, [&](const auto& writer) {
      return writer && writer->feed() == feed && writer->end() == end && writer->external_labels() == external_labels;
    });
    if (same == before.end()) {
      fresh.emplace_back(&end, std::move(feed));
    } else {
      writers_.push_back(std::move(*same));
    }
  }
  before.clear();  // before others go on in their feeds
  for (auto& [end, feed] : fresh) {
    VEDETTE_TRY(auto writer, RemoteWriter::Start(Environment(), *end, external_labels, std::move(feed)));
    writers_.push_back(std::move(writer));
  }
  return Ok();
}

void RemoteWriters::ForgetOthers() {
  for (const std::string& feed : services_.feeds.Feeds()) {
    const auto same = [&](const auto& writer) { return writer->feed() == feed; };
    if (!feed.starts_with(kFeedPrefix) || std::ranges::any_of(writers_, same)) continue;
    LogInfo("collector", "a remote end is no longer configured: its place in the journal is forgotten",
            {{"end", Redacted(feed.substr(kFeedPrefix.size()))}});
    if (const Status dropped = services_.feeds.DropFeed(feed); !dropped) {
      LogError("collector", "the place of a remote end is still kept", {{"reason", dropped.error()}});
    }
  }
}

void RemoteWriters::Stop(Millis flush) {
  std::vector<std::thread> stopping;
  for (const auto& writer : writers_) {
    stopping.emplace_back([&writer, flush] { writer->Flush(flush); });
  }
  for (std::thread& thread : stopping) thread.join();
  writers_.clear();
}

}  // namespace vedette::collector
