// "key=value key=value": how settings and plans are written.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "core/lc_backend.h"

namespace lc::sim {

// Every function throws Failure with the word that is wrong.
class Words {
 public:
  // `code` is that of the failures, `what` names the text in them: "the settings". Of words with the same key
  // the last one counts.
  Words(const std::string& text, lc_code code, std::string what);

  bool has(const std::string& key);
  std::string text(const std::string& key, const std::string& missing);
  // The functions without `missing` require the word.
  double number(const std::string& key);
  double number(const std::string& key, double missing);
  std::uint64_t count(const std::string& key);
  std::uint64_t count(const std::string& key, std::uint64_t missing);
  // "1000", "2MiB", "12GiB".
  std::uint64_t bytes(const std::string& key);
  std::uint64_t bytes(const std::string& key, std::uint64_t missing);

  // The same for a part of a word's value.
  double numberOf(const std::string& key, const std::string& part) const;
  std::uint64_t bytesOf(const std::string& key, const std::string& part) const;

  // Throws for a word that nobody asked for.
  void finish() const;
  [[noreturn]] void refuse(const std::string& key, const std::string& reason) const;

 private:
  const std::string& valueOf(const std::string& key);
  [[noreturn]] void fail(const std::string& word, const std::string& reason) const;

  const lc_code code_;
  const std::string what_;
  std::map<std::string, std::string> values_;
  std::set<std::string> asked_;
};

}  // namespace lc::sim
