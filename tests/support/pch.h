// Precompiled for every test binary. No header of the project: a compiler cache shares the result between checkouts,
// and headers seen from two folders would be defined twice.
#pragma once
#include "cmake/pch.h"

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
