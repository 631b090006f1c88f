// What a probe says of a TLS connection: version, cipher, when its certificates expire.
#pragma once

#include <string>

#include "collector/probe/probe_metrics.h"

typedef struct ssl_st SSL;
typedef struct x509_st X509;

namespace vedette::collector {

/// Sets probe_ssl_* and probe_tls_version_info; with `cipher` probe_tls_cipher_info too. After the handshake.
void AddTlsFacts(SSL* ssl, bool cipher, ProbeMetrics& metrics);

/// A certificate's names as Go prints them: "CN=localhost,O=Acme".
std::string SubjectText(X509* certificate);
std::string IssuerText(X509* certificate);

}  // namespace vedette::collector
