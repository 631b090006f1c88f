// Answers of token servers and lists of hosts without a proxy: no crash, and what is taken for a token can be sent.
#include <cstdint>
#include <cstdlib>

#include "core/oauth2_message.h"
#include "core/proxy_choice.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Secret secret("s3cr3t");
  for (const char* type : {"application/json", "text/plain; charset=utf-8"}) {
    HttpResponse reply;
    reply.status = 200;
    reply.headers = {{"Content-Type", type}};
    reply.body = text;
    const auto token = ParseTokenReply(reply, secret);
    if (token && token->authorization.find(' ') == std::string::npos) std::abort();
    if (!token && token.error().message.find("s3cr3t") != std::string::npos) std::abort();
  }
  const std::string_view list = text.substr(0, text.find('\n'));
  const NoProxyList except(list);
  if (const auto url = ParseUrl(text.substr(list.size()).empty() ? "" : text.substr(list.size() + 1))) {
    if (!except.Matches(*url) && url->host == "localhost") std::abort();
  }
  return 0;
}
