// What the layers below throw or report, as JS gets it.
#pragma once

#include <core/error.h>
#include <napi.h>

#include <string>

#include "errors.h"

namespace lc::addon {

struct Failure {
  std::string code;
  std::string message;
  ErrorDetails details;
  // A plain Error of the system instead of a LatentCacheError.
  bool fromSystem = false;

  Napi::Value toJs(Napi::Env env) const;
};

// Of the exception that is being handled.
Failure currentFailure();

Failure failureOf(const core::Error& error);

}  // namespace lc::addon
