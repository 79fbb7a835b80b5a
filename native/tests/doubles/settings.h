// "name=number,name=number" in an environment variable.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

class Settings {
 public:
  explicit Settings(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return;
    const std::string all = text;
    for (std::size_t from = 0; from < all.size();) {
      const std::size_t end = std::min(all.find(',', from), all.size());
      const std::string one = all.substr(from, end - from);
      if (const auto equals = one.find('='); equals != std::string::npos) {
        values_[one.substr(0, equals)] = std::strtoll(one.c_str() + equals + 1, nullptr, 10);
      }
      from = end + 1;
    }
  }

  template <typename Number>
  Number get(const std::string& name, Number otherwise) const {
    const auto known = values_.find(name);
    return known == values_.end() ? otherwise : static_cast<Number>(known->second);
  }

 private:
  std::map<std::string, std::int64_t> values_;
};
