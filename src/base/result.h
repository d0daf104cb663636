// Purpose: a value or an error, without exceptions. std::expected is C++23 and not in libstdc++ 12 for clang.
// Ownership: by value. Thread: as its contents. Errors: reading the side that is not there is a GL_CHECK.
//   Result<int> r = parse(text);
//   if (!r) return fail(r.error());
#pragma once
#include <string>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace gladius {

// An error as people read it: one sentence, no newline, no secret in it.
struct Error {
    std::string message;
};

inline Error fail(std::string message) {
    return Error{std::move(message)};
}
inline Error fail(Error e) {
    return e;
}

template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}
    explicit operator bool() const { return v_.index() == 0; }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(value()); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T& value() {
        GL_CHECK(v_.index() == 0);
        return *std::get_if<0>(&v_);
    }
    const T& value() const {
        GL_CHECK(v_.index() == 0);
        return *std::get_if<0>(&v_);
    }
    const Error& error() const {
        GL_CHECK(v_.index() == 1);
        return *std::get_if<1>(&v_);
    }

  private:
    std::variant<T, Error> v_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : failed_(true), error_(std::move(error)) {}
    explicit operator bool() const { return !failed_; }
    const Error& error() const {
        GL_CHECK(failed_);
        return error_;
    }

  private:
    bool failed_ = false;
    Error error_;
};

}  // namespace gladius
