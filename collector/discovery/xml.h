// Reads small XML documents, as web services answer with them: elements and their text. Attributes, comments and
// processing instructions are passed over; a document type, and with it entities of its own, is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace vedette::collector {

struct XmlElement {
  std::string name;  // without the prefix of its namespace
  std::string text;  // all of it that is not in a child
  std::vector<XmlElement> children;

  /// The first child of that name; an empty element when there is none, so that ways can be followed.
  const XmlElement& operator[](std::string_view child) const;
  bool Has(std::string_view child) const { return !(*this)[child].name.empty(); }
};

/// Errors: kBadData with the byte where it stops to make sense, kLimit for too many elements or too deep a nesting.
Result<XmlElement> ParseXml(std::string_view text);

}  // namespace vedette::collector
