#include "collector/remote/request_auth.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <functional>
#include <mutex>
#include <stop_token>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include "collector/discovery/aws_identity.h"
#include "collector/discovery/json_reader.h"
#include "collector/scrape/async.h"
#include "core/http_any_address.h"
#include "core/oauth2_message.h"
#include "core/url.h"

namespace vedette::collector {
namespace {

namespace net = boost::asio;
using AuthStrand = net::strand<net::io_context::executor_type>;

constexpr std::size_t kMaxAuthReply = 1 << 20;
constexpr std::size_t kMaxKeyFile = 1 << 20;
/// Tokens are renewed so long before they expire, those that live shortly when half of their time is over. A younger
/// one that is refused is kept: another would be refused, too.
constexpr std::chrono::seconds kRenewEarly{60};
/// Of a token whose reply does not say.
constexpr std::chrono::minutes kUnknownLifetime{5};
/// After a renewal that failed while the token is good.
constexpr std::chrono::seconds kRenewAgain{10};
constexpr std::string_view kGoogleScope = "https://www.googleapis.com/auth/monitoring.write";

/// Used by one coroutine at a time, on one strand.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  /// Adds what the request needs. Asking for it ends with the deadline, or with the request's `stop`.
  virtual net::awaitable<Status> Authorize(HttpRequest& request, const Deadline& deadline) = 0;
  /// What is known was refused: it is asked for anew, unless it is so new that this would be of no use.
  virtual void Forget() = 0;
  /// Ends what it asks for; Authorize() fails from now on.
  virtual void Close() = 0;
};

class AwsAuthorizer final : public Authorizer {
 public:
  AwsAuthorizer(const AuthEnvironment& environment, const Sigv4Options& options, AwsClients clients)
      : clock_(environment.clock),
        service_(options.service_name),
        config_(SourceOf(options)),
        clients_(std::move(clients)),
        identity_(environment.clock, environment.workers, config_, clients_, environment.lookup,
                  options.use_fips_sts_endpoint) {}

  net::awaitable<Status> Authorize(HttpRequest& request, const Deadline& deadline) override {
    const auto region = co_await identity_.Region(deadline.Left());
    if (!region) co_return region.error();
    const auto credentials = co_await identity_.Credentials(deadline.Left());
    if (!credentials) co_return credentials.error();
    co_return SignAws(request, *credentials, *region, service_, clock_.Now());
  }
  void Forget() override { identity_.Forget(); }
  void Close() override { clients_ = {}; }

 private:
  static Ec2SdConfig SourceOf(const Sigv4Options& options) {
    Ec2SdConfig out;
    out.region = options.region;
    out.access_key = options.access_key;
    out.secret_key = options.secret_key;
    out.profile = options.profile;
    out.role_arn = options.role_arn;
    out.external_id = options.external_id;
    return out;
  }

  const Clock& clock_;
  const std::string service_;
  const Ec2SdConfig config_;
  AwsClients clients_;
  AwsIdentity identity_;
};

/// Asks for a token and shows it until it expires.
class TokenAuthorizer final : public Authorizer {
 public:
  /// `question` is called on a worker thread: it may read files.
  using Question = std::function<Result<HttpRequest>()>;
  TokenAuthorizer(const AuthEnvironment& environment, std::string what, Question question,
                  std::unique_ptr<HttpClient> client)
      : workers_(environment.workers),
        clock_(environment.clock),
        what_(std::move(what)),
        question_(std::move(question)),
        client_(std::move(client)) {}

  net::awaitable<Status> Authorize(HttpRequest& request, const Deadline& deadline) override {
    if (!IsGood() || clock_.Monotonic() >= renewal_) {
      // What is renewed early leaves time to go on with what there is.
      const Millis patience = IsGood() ? deadline.Left() / 2 : deadline.Left();
      const auto token = co_await Ask(patience, request.stop);
      if (token) {
        Take(*token);
      } else if (IsGood()) {
        renewal_ = clock_.Monotonic() + kRenewAgain;
      } else {
        co_return Annotate(what_, token.error());
      }
    }
    request.headers.emplace_back("Authorization", *token_);
    co_return Ok();
  }
  void Forget() override {
    if (clock_.Monotonic() - since_ >= kRenewEarly) token_.reset();
  }
  void Close() override { client_.reset(); }

 private:
  bool IsGood() const { return token_ && clock_.Monotonic() < expiry_; }
  void Take(const AccessToken& token) {
    Millis lifetime = kUnknownLifetime;
    if (token.lifetime) {
      lifetime = *token.lifetime;
    } else if (token.expires && *token.expires > clock_.Now()) {  // else one of the clocks is wrong
      lifetime = *token.expires - clock_.Now();
    }
    token_ = token.authorization;
    since_ = clock_.Monotonic();
    renewal_ = since_ + std::max<Millis>(lifetime - kRenewEarly, lifetime / 2);
    expiry_ = since_ + lifetime;
  }
  net::awaitable<Result<AccessToken>> Ask(Millis patience, std::stop_token stop) {
    Result<HttpRequest> request = Fail(Code::kInternal, "not asked");
    auto build = [&] { request = question_(); };
    co_await RunOn(workers_, build);
    if (!request) co_return request.error();
    if (!client_) co_return Fail(Code::kCanceled, "stopped");
    request->timeout = patience;
    request->stop = std::move(stop);
    request->max_body_bytes = kMaxAuthReply;
    Result<HttpResponse> reply = Fail(Code::kInternal, "not asked");
    auto start = [&](auto resume) {
      client_->Start(*std::move(request), [&reply, resume](Result<HttpResponse> result) {
        reply = std::move(result);
        resume();
      });
    };
    co_await WaitFor(start);
    if (!reply) co_return reply.error();
    co_return ParseTokenReply(*reply, Secret());
  }

  net::thread_pool& workers_;
  const Clock& clock_;
  const std::string what_;
  const Question question_;
  std::unique_ptr<HttpClient> client_;
  std::optional<std::string> token_;
  std::chrono::nanoseconds since_{0}, renewal_{0}, expiry_{0};  // of the token, in monotonic time
};

/// Requests wait in a row for what they need, and go on to the client inside. All of this is within their timeout.
class AuthorizedClient final : public HttpClient {
 public:
  AuthorizedClient(const AuthEnvironment& environment, std::unique_ptr<HttpClient> inner,
                   std::unique_ptr<Authorizer> authorizer)
      : clock_(environment.clock),
        line_(std::make_shared<Line>(environment.io, std::move(inner), std::move(authorizer))) {}
  ~AuthorizedClient() override { line_->Close(); }

  void Start(HttpRequest request, Callback done) override {
    const Deadline deadline(clock_, request.timeout);
    line_->Add({std::move(request), std::move(done), deadline});
  }
  /// A signature is good for one request: nothing can be prepared.
  Result<Prepared> Prepare(HttpRequest /*request*/) override {
    return Fail(Code::kInternal, "requests that are signed are not prepared");
  }
  void Start(Prepared /*request*/, Callback done) override {
    done(Fail(Code::kInternal, "requests that are signed are not prepared"));
  }

 private:
  struct Item {
    HttpRequest request;
    Callback done;
    Deadline deadline;
  };

  class Line : public std::enable_shared_from_this<Line> {
   public:
    Line(net::io_context& io, std::unique_ptr<HttpClient> inner, std::unique_ptr<Authorizer> authorizer)
        : strand_(net::make_strand(io)), inner_(std::move(inner)), authorizer_(std::move(authorizer)) {}

    void Add(Item item) {
      net::post(strand_, [self = shared_from_this(), item = std::move(item)]() mutable {
        self->items_.push_back(std::move(item));
        if (!std::exchange(self->working_, true)) net::co_spawn(self->strand_, Work(self), net::detached);
      });
    }
    void Close() {
      std::unique_ptr<HttpClient> gone;
      {
        const std::lock_guard lock(mutex_);
        gone = std::move(inner_);
      }
      net::post(strand_, [self = shared_from_this()] { self->authorizer_->Close(); });
    }

   private:
    static net::awaitable<void> Work(std::shared_ptr<Line> self) {
      while (!self->items_.empty()) {
        Item item = std::move(self->items_.front());
        self->items_.pop_front();
        Status ready = Waits(item);
        try {
          if (ready) ready = co_await self->authorizer_->Authorize(item.request, item.deadline);
        } catch (const std::exception& e) {
          ready = Fail(Code::kInternal, "{}", e.what());
        }
        if (ready) ready = Waits(item);
        item.request.timeout = item.deadline.Left();
        self->Pass(std::move(item), std::move(ready));
      }
      self->working_ = false;
    }
    /// Whether somebody waits for it still.
    static Status Waits(const Item& item) {
      if (item.request.stop.stop_requested()) return Fail(Code::kCanceled, "stopped");
      if (item.deadline.Passed()) return Fail(Code::kTimeout, "timed out while waiting for credentials");
      return Ok();
    }
    /// Nothing of what went wrong is a fault of the request: it may be made again.
    void Pass(Item item, Status ready) {
      const std::lock_guard lock(mutex_);
      if (inner_ && ready) {
        inner_->Start(std::move(item.request),
                      [self = shared_from_this(), done = std::move(item.done)](Result<HttpResponse> result) {
                        if (result && (result->status == 401 || result->status == 403)) self->Refused();
                        done(std::move(result));
                      });
        return;
      }
      Error error = ready ? Error{Code::kCanceled, "stopped"} : ready.error();
      if (error.code != Code::kTimeout && error.code != Code::kCanceled) error.code = Code::kUnavailable;
      net::post(strand_, [done = std::move(item.done), error = std::move(error)] { done(error); });
    }
    void Refused() {
      net::post(strand_, [self = shared_from_this()] { self->authorizer_->Forget(); });
    }

    const AuthStrand strand_;
    std::mutex mutex_;
    std::unique_ptr<HttpClient> inner_;  // guarded by mutex_; null when it is closed
    // Of the strand:
    const std::unique_ptr<Authorizer> authorizer_;
    std::deque<Item> items_;
    bool working_ = false;
  };

  const Clock& clock_;
  const std::shared_ptr<Line> line_;
};

Result<std::string> ReadKeyFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Fail(Code::kIo, "{} cannot be read", path);
  std::string text(kMaxKeyFile, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// What is asked of others than the end goes the same way, without its credentials.
HttpConfig WayOf(const HttpConfig& http) {
  HttpConfig out;
  static_cast<ProxyOptions&>(out) = http;
  return out;
}

/// With a machine's identity, or with what stands for one.
Result<HttpRequest> AskAzure(const AzureOptions& options, const EnvironmentLookup& lookup) {
  HttpRequest out;
  if (!options.token_url.empty()) {
    VEDETTE_TRY(std::string assertion, ReadKeyFile(options.token_file));
    while (assertion.ends_with('\n') || assertion.ends_with('\r')) assertion.pop_back();
    out.method = "POST";
    out.url = options.token_url;
    out.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    out.body =
        fmt::format("grant_type=client_credentials&client_id={}&scope={}&client_assertion_type={}&client_assertion={}",
                    PercentEncode(options.client_id), PercentEncode(options.scope),
                    PercentEncode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), PercentEncode(assertion));
    return out;
  }
  std::string resource = options.scope;
  constexpr std::string_view kDefault = "/.default";
  if (resource.ends_with(kDefault)) resource.resize(resource.size() - kDefault.size());
  const std::string own = lookup("IDENTITY_ENDPOINT"), secret = lookup("IDENTITY_HEADER");
  std::string host = lookup("AZURE_POD_IDENTITY_AUTHORITY_HOST");
  while (host.ends_with('/')) host.pop_back();
  if (host.empty()) host = "http://169.254.169.254";
  if (!own.empty() && !secret.empty()) {  // of a service that runs applications
    out.url = fmt::format("{}?api-version=2019-08-01&resource={}", own, PercentEncode(resource));
    out.headers = {{"X-IDENTITY-HEADER", secret}};
  } else {
    out.url = fmt::format("{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}", host,
                          PercentEncode(resource));
    out.headers = {{"Metadata", "true"}};
  }
  if (!options.client_id.empty()) out.url += "&client_id=" + PercentEncode(options.client_id);
  return out;
}

Result<HttpRequest> AskGoogleMachine(const EnvironmentLookup& lookup) {
  std::string host = lookup("GCE_METADATA_HOST");
  if (host.empty()) host = "169.254.169.254";
  HttpRequest out;
  out.url = fmt::format("http://{}/computeMetadata/v1/instance/service-accounts/default/token?scopes={}", host,
                        PercentEncode(std::string(kGoogleScope)));
  out.headers = {{"Metadata-Flavor", "Google"}};
  return out;
}

struct GoogleKey {
  std::string type, client_email, private_key, private_key_id, token_uri;
  std::string client_id, client_secret, refresh_token;  // of a person
};
Result<GoogleKey> ReadGoogleKey(const std::string& path) {
  VEDETTE_TRY(const std::string text, ReadKeyFile(path));
  JsonReader json(text);
  const auto& root = json.RootObject();
  GoogleKey out;
  out.type = json.Text(root, "type");
  out.client_email = json.Text(root, "client_email");
  out.private_key = json.Text(root, "private_key");
  out.private_key_id = json.Text(root, "private_key_id");
  out.token_uri = json.Text(root, "token_uri");
  out.client_id = json.Text(root, "client_id");
  out.client_secret = json.Text(root, "client_secret");
  out.refresh_token = json.Text(root, "refresh_token");
  if (const Status good = json.status(); !good) return Annotate("google_iam: " + path, good.error());
  if (out.token_uri.empty()) out.token_uri = "https://oauth2.googleapis.com/token";
  return out;
}

HttpRequest AskGoogleForPerson(const GoogleKey& key) {
  HttpRequest out;
  out.method = "POST";
  out.url = key.token_uri;
  out.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  out.body =
      fmt::format("grant_type=refresh_token&client_id={}&client_secret={}&refresh_token={}",
                  PercentEncode(key.client_id), PercentEncode(key.client_secret), PercentEncode(key.refresh_token));
  return out;
}

std::string GoogleFile(const GoogleOptions& options, const EnvironmentLookup& lookup) {
  if (!options.credentials_file.empty()) return options.credentials_file;
  if (std::string named = lookup("GOOGLE_APPLICATION_CREDENTIALS"); !named.empty()) return named;
  std::string usual = lookup("HOME") + "/.config/gcloud/application_default_credentials.json";
  return std::ifstream(usual) ? usual : std::string();
}

Result<std::unique_ptr<HttpClient>> NewInner(const AuthEnvironment& environment, const HttpConfig& http,
                                             bool any_address) {
  return any_address ? http::CreateForAnyAddress(environment.io, http) : HttpClient::Create(environment.io, http);
}

Result<std::unique_ptr<HttpClient>> NewGoogleClient(const AuthEnvironment& environment, const HttpConfig& http,
                                                    const GoogleOptions& options, bool any_address) {
  TokenAuthorizer::Question question = [lookup = environment.lookup] { return AskGoogleMachine(lookup); };
  HttpConfig way;  // to the machine's own service no proxy leads
  if (const std::string file = GoogleFile(options, environment.lookup); !file.empty()) {
    VEDETTE_TRY(const GoogleKey key, ReadGoogleKey(file));
    if (key.type == "service_account") {
      HttpConfig with_token = http;
      OAuth2& oauth2 = with_token.oauth2.emplace();
      static_cast<ProxyOptions&>(oauth2) = http;
      oauth2.grant_type = OAuth2::kJwtBearer;
      oauth2.client_id = key.client_email;
      oauth2.token_url = key.token_uri;
      oauth2.scopes = {std::string(kGoogleScope)};
      oauth2.client_certificate_key = Secret(key.private_key);
      oauth2.client_certificate_key_id = key.private_key_id;
      return NewInner(environment, with_token, any_address);
    }
    if (key.type != "authorized_user") {
      return Fail(Code::kBadData,
                  "google_iam: credentials of the type {} in {} are not supported: use those of a "
                  "service account",
                  Quote(key.type), file);
    }
    question = [key] { return Result<HttpRequest>(AskGoogleForPerson(key)); };
    way = WayOf(http);
  }
  VEDETTE_TRY(std::unique_ptr<HttpClient> inner, NewInner(environment, http, any_address));
  VEDETTE_TRY(std::unique_ptr<HttpClient> asking, HttpClient::Create(environment.io, way));
  return std::unique_ptr<HttpClient>(std::make_unique<AuthorizedClient>(
      environment, std::move(inner),
      std::make_unique<TokenAuthorizer>(environment, "google_iam", std::move(question), std::move(asking))));
}

}  // namespace

Result<std::unique_ptr<HttpClient>> NewAuthorizedClient(const AuthEnvironment& given, const HttpConfig& http,
                                                        const RequestAuth& auth) {
  AuthEnvironment environment = given;
  if (!environment.lookup) environment.lookup = ProcessEnvironment();
  const bool any_address = auth.any_address;
  if (auth.google) return NewGoogleClient(environment, http, *auth.google, any_address);
  VEDETTE_TRY(std::unique_ptr<HttpClient> inner, NewInner(environment, http, any_address));
  if (!auth.sigv4 && !auth.azure) return inner;
  VEDETTE_TRY(std::unique_ptr<HttpClient> services, HttpClient::Create(environment.io, WayOf(http)));
  std::unique_ptr<Authorizer> authorizer;
  if (auth.sigv4) {
    VEDETTE_TRY(std::unique_ptr<HttpClient> metadata, HttpClient::Create(environment.io, {}));
    authorizer =
        std::make_unique<AwsAuthorizer>(environment, *auth.sigv4, AwsClients{std::move(services), std::move(metadata)});
  } else {
    if (auth.azure->token_url.empty()) {  // the machine's own service: no proxy leads there
      VEDETTE_TRY(services, HttpClient::Create(environment.io, {}));
    }
    authorizer = std::make_unique<TokenAuthorizer>(
        environment, "azuread",
        [options = *auth.azure, lookup = environment.lookup] { return AskAzure(options, lookup); },
        std::move(services));
  }
  return std::unique_ptr<HttpClient>(
      std::make_unique<AuthorizedClient>(environment, std::move(inner), std::move(authorizer)));
}

}  // namespace vedette::collector
