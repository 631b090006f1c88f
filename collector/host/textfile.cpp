// textfile: metrics that scripts and applications leave as *.prom files in a directory.
//
// A file counts as a whole or not at all: one that does not parse, is too large or has timestamps adds nothing, its
// node_textfile_mtime_seconds is missing and node_textfile_scrape_error is 1. Files that have not changed are not read
// again.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/exposition/strict.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"
#include "core/log.h"

namespace vedette::collector {
namespace {

constexpr std::size_t kMaxTextfiles = 1000;
/// Of all files together: a script that runs wild must not fill the store.
constexpr std::size_t kMaxTextfileBytes = 16 << 20;

/// What tells that a file is another one than before.
struct TextfileStamp {
  std::int64_t seconds = 0, nanos = 0;
  std::uint64_t inode = 0, size = 0;
  bool operator==(const TextfileStamp&) const = default;
};

struct Textfile {
  TextfileStamp stamp;
  std::vector<StrictFamily> families;
  std::string problem;  // empty: good
};

/// A FIFO or a device in the directory must not hold up the reading, hence O_NONBLOCK and the look at its type.
Result<FileHandle> OpenTextfile(const std::string& path, TextfileStamp& stamp) {
  FileHandle file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  if (!file.is_open() || ::fstat(file.fd(), &info) != 0) {
    return Fail(Code::kIo, "failed to open textfile data file {}: {}", path, std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return Fail(Code::kBadData, "{} is no regular file", path);
  stamp = {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, static_cast<std::uint64_t>(info.st_ino),
           static_cast<std::uint64_t>(info.st_size)};
  return file;
}

Result<std::string> ReadTextfile(const FileHandle& file, const std::string& path, std::size_t max_bytes) {
  std::string text;
  for (;;) {
    constexpr std::size_t kStep = 64 << 10;
    const std::size_t used = text.size();
    text.resize(used + kStep);
    const ssize_t got = ::pread(file.fd(), text.data() + used, kStep, static_cast<off_t>(used));
    if (got < 0) return Fail(Code::kIo, "cannot read {}: {}", path, std::strerror(errno));
    text.resize(used + static_cast<std::size_t>(got));
    if (got == 0) return text;
    if (text.size() > max_bytes) {
      return Fail(Code::kLimit, "{}: the text files are larger than {} bytes together", path, kMaxTextfileBytes);
    }
  }
}

Result<std::vector<StrictFamily>> ParseTextfile(std::string_view text, const std::string& path) {
  auto families = ReadStrictText(text);
  if (!families) return Annotate(fmt::format("failed to parse textfile data from {}", path), families.error());
  for (const StrictFamily& family : *families) {
    for (const StrictSample& sample : family.samples) {
      if (!sample.time) continue;
      return Fail(Code::kBadData, "textfile {} contains unsupported client-side timestamps, skipping entire file",
                  path);
    }
  }
  return families;
}

FamilyType TypeOfTextFamily(std::string_view type) {
  static constexpr std::array<std::pair<std::string_view, FamilyType>, 4> kTypes{{{"counter", FamilyType::kCounter},
                                                                                  {"gauge", FamilyType::kGauge},
                                                                                  {"histogram", FamilyType::kHistogram},
                                                                                  {"summary", FamilyType::kSummary}}};
  for (const auto& [name, value] : kTypes) {
    if (name == type) return value;
  }
  return FamilyType::kUntyped;
}

class TextfilePart final : public HostPart {
 public:
  explicit TextfilePart(HostContext& context) : pattern_(context.options.textfile_directory) {}

  Status Collect(TextFormat& out) override {
    bool changed = false;
    const bool good = ReadDirectories(changed);
    if (changed || text_.empty()) Render();
    out.Append(text_);
    out.Family("node_textfile_mtime_seconds", "Unixtime mtime of textfiles successfully read.", FamilyType::kGauge);
    for (const auto& [path, file] : files_) {
      if (file.problem.empty()) out.Sample({{"file", path}}, static_cast<double>(file.stamp.seconds));
    }
    out.Single({"node_textfile_scrape_error", "1 if there was an error opening or reading a file, 0 otherwise"},
               good && !conflict_ ? 0 : 1);
    return Ok();
  }

 private:
  /// The directory, or those that its pattern names now.
  std::vector<std::string> Directories() const {
    std::vector<std::string> found;
    glob_t paths{};
    if (::glob(pattern_.c_str(), 0, nullptr, &paths) == 0) {
      for (std::size_t i = 0; i < paths.gl_pathc; ++i) found.emplace_back(paths.gl_pathv[i]);
    }
    ::globfree(&paths);
    if (found.empty()) found.push_back(pattern_);
    return found;
  }

  /// False when something could not be read. `changed`: the files are not those of the last reading.
  bool ReadDirectories(bool& changed) {
    if (pattern_.empty()) return true;
    bool good = true;
    std::set<std::string> seen;
    std::size_t bytes = 0;
    for (const std::string& directory : Directories()) {
      const auto names = ListDirectory(directory);
      if (!names) {
        good = false;
        Complain(directory, names.error().message);
        continue;
      }
      complained_.erase(directory);
      for (const std::string& name : *names) {
        if (!name.ends_with(".prom")) continue;
        const std::string path = directory + (directory.ends_with('/') ? "" : "/") + name;
        if (seen.size() >= kMaxTextfiles) {
          good = false;
          Complain(directory, fmt::format("more than {} text files", kMaxTextfiles));
          break;
        }
        seen.insert(path);
        good &= Refresh(path, bytes, changed);
      }
    }
    changed |= std::erase_if(files_, [&](const auto& entry) { return !seen.contains(entry.first); }) > 0;
    return good;
  }

  /// `bytes`: of all files so far.
  bool Refresh(const std::string& path, std::size_t& bytes, bool& changed) {
    Textfile& file = files_[path];
    TextfileStamp stamp;
    const auto opened = OpenTextfile(path, stamp);
    const bool fits = bytes + stamp.size <= kMaxTextfileBytes;
    if (opened && fits && file.stamp == stamp && stamp != TextfileStamp()) {
      bytes += stamp.size;
      return file.problem.empty();
    }
    const bool had_families = !file.families.empty();
    file = {.stamp = stamp, .families = {}, .problem = {}};
    auto families = opened ? Load(*opened, path, bytes) : Result<std::vector<StrictFamily>>(opened.error());
    if (families) {
      file.families = *std::move(families);
      complained_.erase(path);
    } else {
      file.problem = families.error().message;
      if (!fits) file.stamp = {};  // looked at again: there may be room next time
      Complain(path, file.problem);
    }
    changed |= had_families || !file.families.empty();
    return file.problem.empty();
  }

  static Result<std::vector<StrictFamily>> Load(const FileHandle& handle, const std::string& path, std::size_t& bytes) {
    VEDETTE_TRY(const std::string text,
                ReadTextfile(handle, path, kMaxTextfileBytes - std::min(bytes, kMaxTextfileBytes)));
    bytes += text.size();
    return ParseTextfile(text, path);
  }

  /// Families of one name from several files are one family: the first file says what it is, what contradicts it or is
  /// there already is left out.
  void Render() {
    struct Merged {
      std::string type;
      std::optional<std::string> help;
      std::vector<const StrictSample*> samples;
      std::set<std::pair<std::string, std::map<std::string, std::string>>> series;
      std::string files;
    };
    std::map<std::string, Merged> merged;
    conflict_ = false;
    for (const auto& [path, file] : files_) {
      for (const StrictFamily& family : file.families) {
        auto [at, fresh] = merged.try_emplace(family.name);
        Merged& into = at->second;
        if (fresh) {
          into.type = family.type;
          into.help = family.help;
        }
        into.files += (into.files.empty() ? "" : ", ") + path;
        if (into.type != family.type || (into.help && family.help && *into.help != *family.help)) {
          NoteConflict(path, family.name, "has another help or type in another file");
          continue;
        }
        if (!into.help) into.help = family.help;
        for (const StrictSample& sample : family.samples) {
          if (into.series.emplace(sample.name, sample.labels).second) {
            into.samples.push_back(&sample);
          } else {
            NoteConflict(path, family.name, "has a series that is there already");
          }
        }
      }
    }
    TextFormat out;
    for (const auto& [name, family] : merged) {
      out.Family(name, family.help ? EscapedHelp(*family.help) : "Metric read from " + family.files,
                 TypeOfTextFamily(family.type));
      for (const StrictSample* sample : family.samples) {
        std::vector<LabelView> labels;
        for (const auto& [label, value] : sample->labels) labels.push_back({label, value});
        out.SampleOf(sample->name, labels, sample->value);
      }
    }
    text_ = out.Take();
  }

  static std::string EscapedHelp(std::string_view help) {
    std::string out;
    for (const char c : help) {
      if (c == '\\')
        out += "\\\\";
      else if (c == '\n')
        out += "\\n";
      else
        out += c;
    }
    return out;
  }

  void NoteConflict(const std::string& path, const std::string& name, std::string_view what) {
    conflict_ = true;
    Complain(path + "/" + name, fmt::format("{}: {} {}", path, name, what));
  }

  /// Once per trouble, not once per reading.
  void Complain(const std::string& subject, const std::string& problem) {
    constexpr std::size_t kMaxComplained = 10'000;
    if (complained_.size() >= kMaxComplained) complained_.clear();
    if (std::exchange(complained_[subject], problem) == problem) return;
    LogWarn("collector", "failed to collect textfile data", {{"reason", problem}});
  }

  std::string pattern_;
  std::map<std::string, Textfile> files_;
  std::string text_;  // rendered from files_
  bool conflict_ = false;
  std::map<std::string, std::string> complained_;
};

}  // namespace

HostPartResult MakeTextfilePart(HostContext& context) {
  return HostPartResult(std::make_unique<TextfilePart>(context));
}

}  // namespace vedette::collector
