// "key=value" words of a plan or of LC_TOY.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

namespace lc::toy {

class Words {
 public:
  Words(const std::string& text, char separator) {
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = std::min(text.find(separator, start), text.size());
      const std::string word = text.substr(start, end - start);
      const std::size_t equals = word.find('=');
      if (equals != std::string::npos) {
        values_[word.substr(0, equals)] = std::strtoull(word.c_str() + equals + 1, nullptr, 10);
      }
      start = end + 1;
    }
  }

  static Words ofEnvironment() {
    const char* text = std::getenv("LC_TOY");
    return {text == nullptr ? "" : text, ','};
  }

  std::uint64_t operator()(const char* key, std::uint64_t missing) const {
    const auto found = values_.find(key);
    return found == values_.end() ? missing : found->second;
  }

 private:
  std::map<std::string, std::uint64_t> values_;
};

}  // namespace lc::toy
