#include "core/jwt.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/url.h"

namespace vedette {
namespace {

struct JwtAlgorithm {
  std::string_view name;
  const EVP_MD* (*digest)();
};
constexpr auto kJwtAlgorithms = std::to_array<JwtAlgorithm>({
    {"RS256", EVP_sha256},
    {"RS384", EVP_sha384},
    {"RS512", EVP_sha512},
});

/// The alphabet of URLs, without padding.
std::string Base64Url(std::string_view bytes) {
  std::string out = Base64Encode(bytes);
  std::ranges::replace(out, '+', '-');
  std::ranges::replace(out, '/', '_');
  while (out.ends_with('=')) out.pop_back();
  return out;
}

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;

/// A service has no terminal to ask for a passphrase at.
int NoPassphrase(char*, int, int, void*) { return -1; }

KeyPtr ReadKey(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      BIO_free);
  if (!bio) return nullptr;
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key && EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  ERR_clear_error();
  return key;
}

}  // namespace

Result<std::string> SignJwt(std::string_view header, std::string_view claims, std::string_view algorithm,
                            const Secret& key) {
  const auto known = std::ranges::find(kJwtAlgorithms, algorithm, &JwtAlgorithm::name);
  if (known == kJwtAlgorithms.end()) {
    return Fail(Code::kBadData, "'{}' is none of the signature algorithms RS256, RS384 and RS512", algorithm);
  }
  const KeyPtr private_key = ReadKey(key.Reveal());
  if (!private_key) return Fail(Code::kBadData, "the client certificate key is no RSA private key in PEM");
  const std::string text = Base64Url(header) + "." + Base64Url(claims);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::size_t size = 0;
  std::string signature;
  bool good = context && EVP_DigestSignInit(context.get(), nullptr, known->digest(), nullptr, private_key.get()) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
  if (good) {
    signature.resize(size);
    good = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                          text.size()) == 1;
  }
  ERR_clear_error();
  if (!good) return Fail(Code::kBadData, "the client certificate key cannot sign with {}", algorithm);
  signature.resize(size);
  return text + "." + Base64Url(signature);
}

}  // namespace vedette
