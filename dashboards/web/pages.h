// The web page: static files that the build has put into the binary, and the routes that serve them.
#pragma once

#include "dashboards/http/router.h"

namespace vedette::dashboards {

/// Adds "/", "/query", "/targets", "/alerts" (one page, which looks at the path itself), "/graph" (to "/query", where
/// old links lead to) and "/assets/*". Everything is compressed once, here, and answered with an ETag.
void AddPages(Router& router);

}  // namespace vedette::dashboards
