// The endpoints of the HTTP API: one row each in routes.cpp.
#pragma once

#include <span>
#include <string_view>

#include "dashboards/api/context.h"
#include "dashboards/http/message.h"
#include "dashboards/http/router.h"

namespace vedette::dashboards {

/// When an endpoint answers at all.
enum class Needs : std::uint8_t { kNothing, kReady };
/// What its requests bring. Of what is pushed, ApiContext::pushed_bodies says how much.
enum class Body : std::uint8_t { kAny, kPushed };

struct ApiRoute {
  Methods methods;
  std::string_view path;
  Response (*handler)(const ApiContext&, const Request&);
  Needs needs = Needs::kReady;
  Body body = Body::kAny;
};

std::span<const ApiRoute> ApiRoutes();

/// Adds every endpoint. `context` outlives the router. An endpoint that needs a ready agent answers 503 before and
/// after.
void AddApiRoutes(Router& router, const ApiContext& context);

}  // namespace vedette::dashboards
