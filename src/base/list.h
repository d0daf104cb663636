// Purpose: intrusive doubly linked list; an element knows how to leave without its list.
// Ownership: none, the list only points. Thread: one worker. Lifetime: an element unlinks itself when destroyed.
// Errors: none.
#pragma once
#include "base/assert.h"

namespace gladius {

struct ListHook {
    ListHook* prev = nullptr;
    ListHook* next = nullptr;
    ListHook() = default;
    ListHook(const ListHook&) = delete;
    ListHook& operator=(const ListHook&) = delete;
    ~ListHook() { unlink(); }
    bool linked() const { return next != nullptr; }
    void unlink() {
        if (!next) return;
        prev->next = next;
        next->prev = prev;
        prev = next = nullptr;
    }
};

// T derives from Hook, which derives from ListHook (or is it), so that one object can be in several lists.
template <class T, class Hook = ListHook>
class List {
  public:
    List() { head_.prev = head_.next = &head_; }
    ~List() {
        clear();
        head_.prev = head_.next = nullptr;
    }
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    bool empty() const { return head_.next == &head_; }
    T* front() { return empty() ? nullptr : cast(head_.next); }
    T* back() { return empty() ? nullptr : cast(head_.prev); }
    void push_back(T& t) { insert(static_cast<Hook&>(t), head_.prev, &head_); }
    void push_front(T& t) { insert(static_cast<Hook&>(t), &head_, head_.next); }
    T* pop_front() {
        T* t = front();
        if (t) static_cast<Hook*>(t)->unlink();
        return t;
    }
    T* pop_back() {
        T* t = back();
        if (t) static_cast<Hook*>(t)->unlink();
        return t;
    }
    void clear() {
        while (!empty())
            head_.next->unlink();
    }
    // Moves all elements of this list to `to`, which must be empty.
    void splice_to(List& to) {
        GL_ASSERT(to.empty());
        if (empty()) return;
        to.head_.next = head_.next;
        to.head_.prev = head_.prev;
        to.head_.next->prev = &to.head_;
        to.head_.prev->next = &to.head_;
        head_.prev = head_.next = &head_;
    }
    T* next(T& t) {
        ListHook* n = static_cast<Hook&>(t).next;
        return n == &head_ ? nullptr : cast(n);
    }

  private:
    static T* cast(ListHook* h) { return static_cast<T*>(static_cast<Hook*>(h)); }
    static void insert(ListHook& x, ListHook* before, ListHook* after) {
        GL_ASSERT(!x.linked());
        x.prev = before;
        x.next = after;
        before->next = &x;
        after->prev = &x;
    }
    ListHook head_;
};

}  // namespace gladius
