// Purpose: what features remember from one request to the next, and from one configuration to the next: spent tokens,
// open breakers. A compile function asks for its state by a name that says what it belongs to; while a plan of another
// generation still has a state of this name it gets the same object. What may change without losing it (a rate) is not
// in the name. Owner: the supervisor owns the store, plans own the states. Thread: control only; the states themselves
// are used by all workers. Lifetime: a state goes with the last plan that has it. Errors: none.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>

namespace gladius::plan {

class StateStore {
  public:
    // A name is always asked for with the same type: it begins with that of the feature.
    template <class T>
    std::shared_ptr<T> get(const std::string& name) {
        std::weak_ptr<void>& kept = states_[name];
        if (std::shared_ptr<void> old = kept.lock()) return std::static_pointer_cast<T>(old);
        auto fresh = std::make_shared<T>();
        kept = fresh;
        return fresh;
    }
    // Forgets names whose states are gone.
    void sweep() {
        std::erase_if(states_, [](const auto& named) { return named.second.expired(); });
    }
    size_t size() const { return states_.size(); }

  private:
    std::unordered_map<std::string, std::weak_ptr<void>> states_;
};

}  // namespace gladius::plan
