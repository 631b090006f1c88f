// Defaults of the sanitizers, compiled into every test binary: the runtime looks for them before main().
#if defined(__SANITIZE_THREAD__)
// RocksDB and zstd are packages built without the sanitizer: their locks and atomics are not seen, so what their own
// threads hand over to each other looks like races. Our accesses stay checked, but for copies of strings inside
// libstdc++: seen from there, those of RocksDB and ours look the same. The end of a querier gives RocksDB's snapshot
// back, which RocksDB frees under its own lock.
extern "C" const char* __tsan_default_suppressions() {
  return "called_from_lib:librocksdb.so\n"
         "called_from_lib:libzstd.so\n"
         "race:librocksdb.so\n"
         "race:libzstd.so\n"
         "race:std::__cxx11::basic_string<char*>::_M_append\n"
         "race:std::__cxx11::basic_string<char*>::_M_assign\n"
         "race:std::__cxx11::basic_string<char*>::_M_mutate\n"
         "race:vedette::storage::RocksQuerier::~RocksQuerier\n";
}
#endif
