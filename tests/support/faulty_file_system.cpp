#include "tests/support/faulty_file_system.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/faulty_file_system_inode.h"

namespace vedette::test {
namespace {

using rocksdb::IOStatus;

constexpr std::size_t kSectorBytes = 512;

bool Matches(const FilePattern& pattern, FileOp op, FileKind kind) {
  return (pattern.op == FileOp::kAny || pattern.op == op) && (pattern.kind == FileKind::kAny || pattern.kind == kind);
}

}  // namespace

std::string_view NameOf(FileOp op) {
  constexpr std::string_view kNames[] = {"any operation", "create", "write", "sync", "rename", "delete", "read"};
  return kNames[static_cast<std::size_t>(op)];
}

std::string_view NameOf(FileKind kind) {
  constexpr std::string_view kNames[] = {"any file", "log", "table", "manifest", "directory", "other file"};
  return kNames[static_cast<std::size_t>(kind)];
}

FaultyFileSystem::FaultyFileSystem(std::uint64_t seed) : random_(seed) {}
FaultyFileSystem::~FaultyFileSystem() = default;

std::unique_ptr<rocksdb::Env> FaultyFileSystem::NewEnv(std::shared_ptr<FaultyFileSystem> files) {
  return rocksdb::NewCompositeEnv(files);
}

// --- What happens to one operation.

FaultyFileSystem::Verdict FaultyFileSystem::Judge(FileOp op, FileKind kind) {
  if (dead_) return op == FileOp::kRead ? Verdict::kGood : Verdict::kDead;
  if (kill_planned_ && op != FileOp::kRead && Matches(kill_at_, op, kind) && kill_after_-- == 0) {
    dead_ = true;
    return Verdict::kDies;
  }
  Verdict verdict = Verdict::kGood;
  for (Fault& fault : faults_) {
    if (!Matches(fault.where, op, kind)) continue;
    if (fault.after > 0) {
      --fault.after;
    } else if (fault.times > 0 && verdict == Verdict::kGood) {
      const bool flips = fault.problem == Fault::Problem::kFlippedBit;
      if (flips && op != FileOp::kRead && op != FileOp::kWrite) continue;
      --fault.times;
      ++hits_;
      verdict = flips                                       ? Verdict::kFlips
                : fault.problem == Fault::Problem::kNoSpace ? Verdict::kNoSpace
                                                            : Verdict::kFails;
    }
  }
  return verdict;
}

IOStatus FaultyFileSystem::ToStatus(Verdict verdict, std::string_view what) {
  switch (verdict) {
    case Verdict::kGood:
    case Verdict::kFlips:
      return IOStatus::OK();
    case Verdict::kNoSpace:
      return IOStatus::NoSpace(std::string(what), "no space left on device");
    case Verdict::kFails:
      return IOStatus::IOError(std::string(what), "input/output error");
    case Verdict::kDies:
    case Verdict::kDead:
      break;
  }
  return IOStatus::IOError(std::string(what), "the machine is off");
}

/// Nobody learns of a table without a manifest, which a dead machine does not write: to go on with it is harmless.
/// RocksDB, as Debian builds it, stops the process by an assertion when a compaction that leaves no key cannot write
/// its table; who simulates a death has to live on.
bool FaultyFileSystem::OutlivesDeath(Verdict verdict, FileKind kind) {
  return kind == FileKind::kTable && (verdict == Verdict::kDies || verdict == Verdict::kDead);
}

namespace {

/// What a compaction writes of rows that a range tombstone covers. RocksDB 7.8 with assertions, as in Debian 12, stops
/// the process when that fails (docs/storage.md), so it is no place for a fault.
bool IsTableWithoutKeys(FileKind kind, std::string_view bytes) {
  // The property "rocksdb.num.entries" behind its neighbour: 7 characters of its own, one byte of value, which is 0.
  using namespace std::string_view_literals;
  constexpr std::string_view kNoEntries = "\007\001entries\0"sv;
  return kind == FileKind::kTable && bytes.find(kNoEntries) != std::string_view::npos;
}

}  // namespace

IOStatus FaultyFileSystem::Append(Inode& inode, FileKind kind, const rocksdb::Slice& data) {
  if (inode.data.empty() && IsTableWithoutKeys(kind, {data.data(), data.size()})) {
    inode.data.append(data.data(), data.size());
    return IOStatus::OK();
  }
  Verdict verdict = Judge(FileOp::kWrite, kind);
  if (OutlivesDeath(verdict, kind)) verdict = Verdict::kGood;
  std::size_t take = data.size();
  if (verdict == Verdict::kGood && capacity_ != 0) {
    const std::uint64_t used = UsedBytes();
    if (used + take > capacity_) {
      take = capacity_ > used ? capacity_ - used : 0;
      inode.data.append(data.data(), take);
      return ToStatus(Verdict::kNoSpace, "write");
    }
  }
  if (verdict == Verdict::kDead) take = 0;
  if (verdict == Verdict::kDies || verdict == Verdict::kFails || verdict == Verdict::kNoSpace) take = Chance(take + 1);
  inode.data.append(data.data(), take);
  if (verdict == Verdict::kFlips && take > 0) {
    inode.data[inode.data.size() - 1 - Chance(take)] ^= static_cast<char>(1 << Chance(8));
  }
  return ToStatus(verdict, "write");
}

IOStatus FaultyFileSystem::WriteAt(Inode& inode, FileKind kind, std::uint64_t offset, const rocksdb::Slice& data) {
  const Verdict verdict = Judge(FileOp::kWrite, kind);
  if (verdict == Verdict::kDead) return ToStatus(verdict, "write");
  const std::size_t take = verdict == Verdict::kGood ? data.size() : Chance(data.size() + 1);
  if (offset < inode.synced) {
    inode.replaced.emplace_back(offset, inode.data.substr(offset, std::min(take, inode.synced - offset)));
  }
  if (inode.data.size() < offset + take) inode.data.resize(offset + take);
  inode.data.replace(offset, take, data.data(), take);
  return ToStatus(verdict, "write");
}

IOStatus FaultyFileSystem::ReadAt(const Inode& inode, FileKind kind, std::uint64_t offset, std::size_t n,
                                  rocksdb::Slice* result, char* scratch) {
  const Verdict verdict = Judge(FileOp::kRead, kind);
  *result = rocksdb::Slice(scratch, 0);
  if (IOStatus status = ToStatus(verdict, "read"); !status.ok()) return status;
  if (offset >= inode.data.size()) return IOStatus::OK();
  const std::size_t take = std::min<std::size_t>(n, inode.data.size() - offset);
  std::memcpy(scratch, inode.data.data() + offset, take);
  if (verdict == Verdict::kFlips) scratch[Chance(take)] ^= static_cast<char>(1 << Chance(8));
  *result = rocksdb::Slice(scratch, take);
  return IOStatus::OK();
}

IOStatus FaultyFileSystem::Sync(Inode& inode, FileKind kind) {
  if (IsTableWithoutKeys(kind, inode.data)) {
    inode.synced = inode.data.size();
    return IOStatus::OK();
  }
  const Verdict verdict = Judge(FileOp::kSync, kind);
  if (verdict == Verdict::kDead) return OutlivesDeath(verdict, kind) ? IOStatus::OK() : ToStatus(verdict, "sync");
  // Who dies in a sync does not learn whether it happened.
  const bool happens = verdict == Verdict::kGood || (verdict == Verdict::kDies && Chance(2) == 0);
  if (happens) {
    inode.synced = inode.data.size();
    inode.replaced.clear();
  } else if (verdict != Verdict::kDies && inode.synced < inode.data.size()) {
    inode.given_up.emplace_back(inode.synced, inode.data.size());
  }
  return OutlivesDeath(verdict, kind) ? IOStatus::OK() : ToStatus(verdict, "sync");
}

IOStatus FaultyFileSystem::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const Verdict verdict = Judge(FileOp::kSync, FileKind::kDirectory);
  const bool happens = verdict == Verdict::kGood || (verdict == Verdict::kDies && Chance(2) == 0);
  if (happens) {
    for (const NameChange& change : unsynced_names_[path]) ApplyTo(durable_, change);
    unsynced_names_.erase(path);
  }
  return ToStatus(verdict, "sync of a directory");
}

// --- Crashes.

void FaultyFileSystem::KillAt(FilePattern where, std::uint64_t after) {
  const std::lock_guard lock(mutex_);
  kill_at_ = where;
  kill_after_ = after;
  kill_planned_ = true;
}

void FaultyFileSystem::Kill() {
  const std::lock_guard lock(mutex_);
  dead_ = true;
}

bool FaultyFileSystem::dead() const {
  const std::lock_guard lock(mutex_);
  return dead_;
}

void FaultyFileSystem::Restart(Loss loss) {
  const std::lock_guard lock(mutex_);
  if (loss == Loss::kPower) ForgetNames();
  std::set<Inode*> seen;
  for (const auto& [path, inode] : entries_) {
    if (!seen.insert(inode.get()).second) continue;
    if (loss == Loss::kPower) ForgetContents(*inode);
  }
  // After kPower what is left has to be on the medium. A process that died left its files to the system as they are:
  // still unsynced.
  if (loss == Loss::kPower) {
    durable_ = entries_;
    unsynced_names_.clear();
  }
  locks_.clear();
  faults_.clear();
  kill_planned_ = dead_ = false;
  ++life_;
}

/// A directory's changes reach the medium in their order: of the unsynced ones some first few did, often none.
void FaultyFileSystem::ForgetNames() {
  for (const auto& [directory, changes] : unsynced_names_) {
    const std::uint64_t kept = Chance(2) == 0 ? 0 : Chance(changes.size() + 1);
    for (std::uint64_t i = 0; i < kept; ++i) ApplyTo(durable_, changes[i]);
  }
  entries_ = durable_;
}

void FaultyFileSystem::ForgetContents(Inode& inode) {
  for (auto at = inode.replaced.rbegin(); at != inode.replaced.rend(); ++at) {
    if (Chance(2) == 0) inode.data.replace(at->first, at->second.size(), at->second);
  }
  inode.replaced.clear();
  for (const auto& [begin, end] : inode.given_up) {
    const std::size_t stop = std::min({end, inode.synced, inode.data.size()});
    for (std::size_t i = begin; i < stop; ++i) inode.data[i] = 0;
  }
  inode.given_up.clear();
  const std::size_t unsynced = inode.data.size() - std::min(inode.synced, inode.data.size());
  std::size_t kept = 0;
  switch (Chance(4)) {
    case 0:  // nothing of it
      break;
    case 1:  // all of it
      kept = unsynced;
      break;
    default:  // torn anywhere
      kept = Chance(unsynced + 1);
  }
  inode.data.resize(inode.synced + kept);
  // The sector in flight holds what it likes.
  if (kept > 0 && kept < unsynced && Chance(3) == 0) {
    const std::size_t torn = std::min<std::size_t>(kept, Chance(kSectorBytes));
    for (std::size_t i = inode.data.size() - torn; i < inode.data.size(); ++i) {
      inode.data[i] = static_cast<char>(random_());
    }
  }
  inode.synced = inode.data.size();
}

// --- A disk in trouble, damage at rest.

void FaultyFileSystem::Inject(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(fault);
  hits_ = 0;
}

std::uint64_t FaultyFileSystem::hits() const {
  const std::lock_guard lock(mutex_);
  return hits_;
}

void FaultyFileSystem::Heal() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

void FaultyFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t FaultyFileSystem::UsedBytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, inode] : entries_) used += inode->data.size();
  return used;
}

std::uint64_t FaultyFileSystem::free_bytes() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t used = UsedBytes();
  if (capacity_ == 0) return std::uint64_t{1} << 40;
  return capacity_ > used ? capacity_ - used : 0;
}

std::vector<std::string> FaultyFileSystem::Paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [path, inode] : entries_) out.push_back(path);
  return out;
}

std::uint64_t FaultyFileSystem::SizeOf(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(path);
  return found == entries_.end() ? 0 : found->second->data.size();
}

void FaultyFileSystem::FlipBit(const std::string& path, std::uint64_t bit) {
  const std::lock_guard lock(mutex_);
  entries_.at(path)->data.at(bit / 8) ^= static_cast<char>(1 << (bit % 8));
}

void FaultyFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  entries_.erase(path);
  durable_.erase(path);
}

void FaultyFileSystem::RemoveDirectory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const std::string prefix = path + "/";
  for (Entries* entries : {&entries_, &durable_}) {
    std::erase_if(*entries, [&](const auto& entry) { return entry.first.starts_with(prefix); });
  }
  std::erase_if(directories_, [&](const std::string& name) { return name == path || name.starts_with(prefix); });
  std::erase_if(unsynced_names_,
                [&](const auto& names) { return names.first == path || names.first.starts_with(prefix); });
}

std::shared_ptr<FaultyFileSystem> FaultyFileSystem::Clone(std::uint64_t seed) const {
  const std::lock_guard lock(mutex_);
  auto out = std::make_shared<FaultyFileSystem>(seed);
  std::map<const Inode*, InodePtr> copies;
  for (const auto& [path, inode] : entries_) {
    InodePtr& copy = copies[inode.get()];
    if (copy == nullptr) copy = std::make_shared<Inode>(*inode);
    copy->synced = copy->data.size();
    out->entries_[path] = copy;
  }
  out->durable_ = out->entries_;
  out->directories_ = directories_;
  return out;
}

bool FaultyFileSystem::Export(const std::string& directory) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [path, inode] : entries_) {
    const std::filesystem::path target = directory + "/" + path;
    std::filesystem::create_directories(target.parent_path());
    std::ofstream out(target, std::ios::binary);
    out.write(inode->data.data(), static_cast<std::streamsize>(inode->data.size()));
    if (!out) return false;
  }
  return true;
}

}  // namespace vedette::test
