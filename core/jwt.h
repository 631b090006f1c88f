// Signed JSON Web Tokens (RFC 7515, 7519) with an RSA key.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace vedette {

/// "header.claims.signature" of two JSON texts. `algorithm`: RS256, RS384 or RS512, which the header has to name too.
/// Errors: kBadData for another algorithm and for a `key` that is no RSA private key in PEM without a passphrase.
Result<std::string> SignJwt(std::string_view header, std::string_view claims, std::string_view algorithm,
                            const Secret& key);

}  // namespace vedette
