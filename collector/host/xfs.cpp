// xfs: operations of XFS file systems, from /sys/fs/xfs.
#include <array>
#include <map>
#include <vector>

#include "collector/host/family_table.h"
#include "collector/host/fields.h"
#include "collector/host/parts.h"

namespace vedette::collector {
namespace {

struct XfsColumn {
  std::string_view line;
  std::size_t column;
  MetricText metric;
};
constexpr auto kXfsColumns = std::to_array<XfsColumn>({
    {"extent_alloc",
     0,
     {"node_xfs_extent_allocation_extents_allocated_total", "Number of extents allocated for a filesystem.",
      FamilyType::kCounter}},
    {"extent_alloc",
     1,
     {"node_xfs_extent_allocation_blocks_allocated_total", "Number of blocks allocated for a filesystem.",
      FamilyType::kCounter}},
    {"extent_alloc",
     2,
     {"node_xfs_extent_allocation_extents_freed_total", "Number of extents freed for a filesystem.",
      FamilyType::kCounter}},
    {"extent_alloc",
     3,
     {"node_xfs_extent_allocation_blocks_freed_total", "Number of blocks freed for a filesystem.",
      FamilyType::kCounter}},
    {"abt",
     0,
     {"node_xfs_allocation_btree_lookups_total", "Number of allocation B-tree lookups for a filesystem.",
      FamilyType::kCounter}},
    {"abt",
     1,
     {"node_xfs_allocation_btree_compares_total", "Number of allocation B-tree compares for a filesystem.",
      FamilyType::kCounter}},
    {"abt",
     2,
     {"node_xfs_allocation_btree_records_inserted_total",
      "Number of allocation B-tree records inserted for a filesystem.", FamilyType::kCounter}},
    {"abt",
     3,
     {"node_xfs_allocation_btree_records_deleted_total",
      "Number of allocation B-tree records deleted for a filesystem.", FamilyType::kCounter}},
    {"blk_map",
     0,
     {"node_xfs_block_mapping_reads_total", "Number of block map for read operations for a filesystem.",
      FamilyType::kCounter}},
    {"blk_map",
     1,
     {"node_xfs_block_mapping_writes_total", "Number of block map for write operations for a filesystem.",
      FamilyType::kCounter}},
    {"blk_map",
     2,
     {"node_xfs_block_mapping_unmaps_total", "Number of block unmaps (deletes) for a filesystem.",
      FamilyType::kCounter}},
    {"blk_map",
     3,
     {"node_xfs_block_mapping_extent_list_insertions_total", "Number of extent list insertions for a filesystem.",
      FamilyType::kCounter}},
    {"blk_map",
     4,
     {"node_xfs_block_mapping_extent_list_deletions_total", "Number of extent list deletions for a filesystem.",
      FamilyType::kCounter}},
    {"blk_map",
     5,
     {"node_xfs_block_mapping_extent_list_lookups_total", "Number of extent list lookups for a filesystem.",
      FamilyType::kCounter}},
    {"blk_map",
     6,
     {"node_xfs_block_mapping_extent_list_compares_total", "Number of extent list compares for a filesystem.",
      FamilyType::kCounter}},
    {"bmbt",
     0,
     {"node_xfs_block_map_btree_lookups_total", "Number of block map B-tree lookups for a filesystem.",
      FamilyType::kCounter}},
    {"bmbt",
     1,
     {"node_xfs_block_map_btree_compares_total", "Number of block map B-tree compares for a filesystem.",
      FamilyType::kCounter}},
    {"bmbt",
     2,
     {"node_xfs_block_map_btree_records_inserted_total",
      "Number of block map B-tree records inserted for a filesystem.", FamilyType::kCounter}},
    {"bmbt",
     3,
     {"node_xfs_block_map_btree_records_deleted_total", "Number of block map B-tree records deleted for a filesystem.",
      FamilyType::kCounter}},
    {"dir",
     0,
     {"node_xfs_directory_operation_lookup_total",
      "Number of file name directory lookups which miss the operating systems directory name lookup cache.",
      FamilyType::kCounter}},
    {"dir",
     1,
     {"node_xfs_directory_operation_create_total",
      "Number of times a new directory entry was created for a filesystem.", FamilyType::kCounter}},
    {"dir",
     2,
     {"node_xfs_directory_operation_remove_total",
      "Number of times an existing directory entry was created for a filesystem.", FamilyType::kCounter}},
    {"dir",
     3,
     {"node_xfs_directory_operation_getdents_total",
      "Number of times the directory getdents operation was performed for a filesystem.", FamilyType::kCounter}},
    {"ig",
     0,
     {"node_xfs_inode_operation_attempts_total", "Number of times the OS looked for an XFS inode in the inode cache.",
      FamilyType::kCounter}},
    {"ig",
     1,
     {"node_xfs_inode_operation_found_total",
      "Number of times the OS looked for and found an XFS inode in the inode cache.", FamilyType::kCounter}},
    {"ig",
     2,
     {"node_xfs_inode_operation_recycled_total",
      "Number of times the OS found an XFS inode in the cache, but could not use it as it was being recycled.",
      FamilyType::kCounter}},
    {"ig",
     3,
     {"node_xfs_inode_operation_missed_total",
      "Number of times the OS looked for an XFS inode in the cache, but did not find it.", FamilyType::kCounter}},
    {"ig",
     4,
     {"node_xfs_inode_operation_duplicates_total",
      "Number of times the OS tried to add a missing XFS inode to the inode cache, but found it had already been added "
      "by another process.",
      FamilyType::kCounter}},
    {"ig",
     5,
     {"node_xfs_inode_operation_reclaims_total",
      "Number of times the OS reclaimed an XFS inode from the inode cache to free memory for another purpose.",
      FamilyType::kCounter}},
    {"ig",
     6,
     {"node_xfs_inode_operation_attribute_changes_total",
      "Number of times the OS explicitly changed the attributes of an XFS inode.", FamilyType::kCounter}},
    {"rw",
     0,
     {"node_xfs_write_calls_total", "Number of write(2) system calls made to files in a filesystem.",
      FamilyType::kCounter}},
    {"rw",
     1,
     {"node_xfs_read_calls_total", "Number of read(2) system calls made to files in a filesystem.",
      FamilyType::kCounter}},
    {"vnodes",
     0,
     {"node_xfs_vnode_active_total", "Number of vnodes not on free lists for a filesystem.", FamilyType::kCounter}},
    {"vnodes",
     1,
     {"node_xfs_vnode_allocate_total", "Number of times vn_alloc called for a filesystem.", FamilyType::kCounter}},
    {"vnodes",
     2,
     {"node_xfs_vnode_get_total", "Number of times vn_get called for a filesystem.", FamilyType::kCounter}},
    {"vnodes",
     3,
     {"node_xfs_vnode_hold_total", "Number of times vn_hold called for a filesystem.", FamilyType::kCounter}},
    {"vnodes",
     4,
     {"node_xfs_vnode_release_total", "Number of times vn_rele called for a filesystem.", FamilyType::kCounter}},
    {"vnodes",
     5,
     {"node_xfs_vnode_reclaim_total", "Number of times vn_reclaim called for a filesystem.", FamilyType::kCounter}},
    {"vnodes",
     6,
     {"node_xfs_vnode_remove_total", "Number of times vn_remove called for a filesystem.", FamilyType::kCounter}},
});

class XfsPart final : public HostPart {
 public:
  explicit XfsPart(HostContext& context) : root_(context.Sys("fs/xfs")) {}

  Status Collect(TextFormat& out) override {
    FamilyTable table;
    for (const std::string& device : NamesIn(root_)) {
      const auto text = ReadHostFile(root_ + "/" + device + "/stats/stats");
      if (text) VEDETTE_CHECK(AddDevice(device, *text, table));  // "stats" itself, the sum, has no such file
    }
    table.Write(out);
    return Ok();
  }

 private:
  /// "abt 1 2 3 4" and other lines; what older kernels do not count is 0.
  static Status AddDevice(std::string_view device, std::string_view text, FamilyTable& table) {
    std::map<std::string_view, std::vector<std::string_view>> lines;
    while (auto line = NextLine(text)) {
      const std::string_view name = NextField(*line);
      SplitFields(*line, lines[name]);
    }
    for (const XfsColumn& column : kXfsColumns) {
      const std::vector<std::string_view>& values = lines[column.line];
      double value = 0;
      if (column.column < values.size()) {
        VEDETTE_TRY(value, NeedCount(values[column.column], "XFS statistics"));
      }
      table.Add(column.metric, {{"device", device}}, value);
    }
    return Ok();
  }

  std::string root_;
};

}  // namespace

HostPartResult MakeXfsPart(HostContext& context) { return HostPartResult(std::make_unique<XfsPart>(context)); }

}  // namespace vedette::collector
