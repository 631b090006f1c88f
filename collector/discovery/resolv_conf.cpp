#include "collector/discovery/resolv_conf.h"

#include <algorithm>
#include <charconv>

namespace vedette::collector {
namespace {

constexpr int kMaxNdots = 15;

std::vector<std::string> WordsOf(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r\v\f";
  std::vector<std::string> words;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

void TakeOption(std::string_view option, ResolvConf& conf) {
  constexpr std::string_view kNdots = "ndots:";
  if (!option.starts_with(kNdots)) return;
  option.remove_prefix(kNdots.size());
  int number = 0;
  const auto [end, error] = std::from_chars(option.data(), option.data() + option.size(), number);
  if (error == std::errc()) conf.ndots = static_cast<unsigned>(std::clamp(number, 0, kMaxNdots));
}

std::string Rooted(std::string name) {
  if (!name.ends_with('.')) name += '.';
  return name;
}

}  // namespace

std::vector<std::string> ResolvConf::NamesToAsk(std::string_view name) const {
  if (name.ends_with('.')) return {std::string(name)};
  const auto dots = static_cast<std::size_t>(std::ranges::count(name, '.'));
  const std::string rooted = Rooted(std::string(name));
  std::vector<std::string> names;
  if (dots >= ndots) names.push_back(rooted);
  for (const std::string& domain : search) names.push_back(Rooted(rooted + domain));
  if (dots < ndots) names.push_back(rooted);
  return names;
}

ResolvConf ParseResolvConf(std::string_view text) {
  ResolvConf conf;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('#') || line.starts_with(';')) continue;
    std::vector<std::string> words = WordsOf(line);
    if (words.size() < 2) continue;
    const std::string key = std::move(words.front());
    words.erase(words.begin());
    if (key == "nameserver") {
      conf.servers.push_back(words.front());
    } else if (key == "domain") {
      conf.search = {words.front()};
    } else if (key == "search") {
      conf.search = words;
    } else if (key == "options") {
      for (const std::string& option : words) TakeOption(option, conf);
    }
  }
  return conf;
}

}  // namespace vedette::collector
