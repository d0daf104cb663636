// Purpose: latencies as a log-linear histogram (the idea of HdrHistogram): 32 steps per power of two, so that a
// value is known within 1/32, from 1 ns to 2^40 ns (18 minutes), in 9.2 KiB, without allocation.
// Owner: whoever measures, usually one per worker and place. Thread: one writer; any reader. Lifetime: as the owner.
// Errors: none; larger values count as the largest bucket, max() keeps them exactly.
//   Histogram h;  h.record(ns);  HistogramSum s;  s.add(h);  uint64_t p99 = s.percentile(99);
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace gladius::telemetry {

struct HistogramBuckets {
    static constexpr unsigned kStepBits = 5;
    static constexpr unsigned kValueBits = 40;
    static constexpr size_t kCount = size_t{kValueBits - kStepBits + 1} << kStepBits;

    static size_t index(uint64_t v) {
        constexpr uint64_t kLargest = (uint64_t{1} << kValueBits) - 1;
        v = std::min(v, kLargest);
        if (v < (1u << kStepBits)) return v;
        unsigned shift = static_cast<unsigned>(std::bit_width(v)) - 1 - kStepBits;
        return (size_t{shift} << kStepBits) + (v >> shift);
    }
    // The largest value of a bucket.
    static uint64_t upper(size_t i) {
        if (i < (2u << kStepBits)) return i;
        size_t shift = (i >> kStepBits) - 1;
        uint64_t step = (i & ((1u << kStepBits) - 1)) + (1u << kStepBits);
        return ((step + 1) << shift) - 1;
    }
};

class Histogram {
  public:
    void record(uint64_t v) {
        bump(counts_[HistogramBuckets::index(v)], 1);
        bump(sum_, v);
        if (v > max_.load(std::memory_order_relaxed)) max_.store(v, std::memory_order_relaxed);
    }

  private:
    friend class HistogramSum;
    static void bump(std::atomic<uint64_t>& a, uint64_t n) {
        a.store(a.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::array<std::atomic<uint64_t>, HistogramBuckets::kCount> counts_{};
    std::atomic<uint64_t> sum_{0};
    std::atomic<uint64_t> max_{0};
};

// The histograms of several workers added up, for reading; one thread.
class HistogramSum {
  public:
    void add(const Histogram& h) {
        for (size_t i = 0; i < counts_.size(); ++i) {
            uint64_t n = h.counts_[i].load(std::memory_order_relaxed);
            counts_[i] += n;
            count_ += n;
        }
        sum_ += h.sum_.load(std::memory_order_relaxed);
        max_ = std::max(max_, h.max_.load(std::memory_order_relaxed));
    }
    uint64_t count() const { return count_; }
    uint64_t sum() const { return sum_; }
    uint64_t max() const { return max_; }
    // A value that `p` percent of the recorded ones do not exceed, at most 1/32 too high; 0 when there are none.
    uint64_t percentile(double p) const {
        if (count_ == 0) return 0;
        auto rank = static_cast<uint64_t>(static_cast<double>(count_) * std::clamp(p, 0.0, 100.0) / 100.0 + 0.5);
        rank = std::clamp<uint64_t>(rank, 1, count_);
        uint64_t seen = 0;
        for (size_t i = 0; i + 1 < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen >= rank) return std::min(HistogramBuckets::upper(i), max_);
        }
        return max_;
    }

  private:
    std::array<uint64_t, HistogramBuckets::kCount> counts_{};
    uint64_t count_ = 0;
    uint64_t sum_ = 0;
    uint64_t max_ = 0;
};

}  // namespace gladius::telemetry
