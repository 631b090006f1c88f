// Precompiled for every test binary.
#pragma once
#include "cmake/pch.h"
#include "tests/support/catch.h"
