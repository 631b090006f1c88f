// Two indexes as one: a large one, and a few series that it does not have yet.
#pragma once

#include "storage/index/select.h"

namespace vedette::storage {

/// No series is in both. The names and values of both are collected for each visit: not for what is asked often.
class UnitedSource final : public PostingsSource {
 public:
  UnitedSource(const PostingsSource& a, const PostingsSource& b) : a_(a), b_(b) {}

  Status All(Postings& out) const override;
  Status WithLabel(std::string_view name, std::string_view value, Postings& out) const override;
  Status WithValues(std::string_view name, std::string_view prefix, const AcceptValue& accept,
                    Postings& out) const override;
  std::size_t ValueCount(std::string_view name) const override;
  Status VisitNames(const AcceptValue& visit) const override;
  Status VisitValues(std::string_view name, const AcceptValue& visit) const override;

 private:
  const PostingsSource& a_;
  const PostingsSource& b_;
};

}  // namespace vedette::storage
