#include "engine_threads.h"

#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>

#include <omp.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine_memory.h"

namespace adain {

namespace {

constexpr int kMostStages = 128;  // the motion of a frame of 32768x32768 takes 60, all else at most 30

// Denormals appear where features fade out and cost a hundred times a normal number; no pixel ever depends on them.
void flush_denormals() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  __builtin_aarch64_set_fpcr(__builtin_aarch64_get_fpcr() | 1u << 24);  // FZ
#endif
}

}  // namespace

Threads::Threads(int size) : between_(size), next_(kMostStages) {
  try {
    for (int i = 0; i < size; i++) {
      expect_memory();
      team_.emplace_back([this, i] { work(i); });
    }
  } catch (const std::system_error &e) {
    close();  // those that did start would be waited for without end
    throw std::runtime_error("the system gives " + std::to_string(team_.size()) + " of " + std::to_string(size) + " threads: " + e.what());
  } catch (...) {
    close();
    throw;
  }
}

Threads::~Threads() { close(); }

void Threads::close() {
  closing_ = true;
  order_.fetch_add(1);
  order_.notify_all();
}

void Threads::run(const std::vector<Stage *> &stages) {
  if (stages.size() > kMostStages) throw std::length_error("more stages than a frame can have");
  stages_ = &stages;
  if (seconds_) seconds_->resize(stages.size());
  for (size_t i = 0; i < stages.size(); i++) next_[i].store(0, std::memory_order_relaxed);
  failed_ = false;
  failure_ = nullptr;
  running_ = size();
  order_.fetch_add(1);
  order_.notify_all();
  for (int left; (left = running_.load()) != 0;) running_.wait(left);
  if (failure_) std::rethrow_exception(failure_);
}

void Threads::work(int thread) {
  flush_denormals();
  omp_set_num_threads(1);  // oneDNN must stay on the thread that calls it
  for (unsigned seen = 0;;) {
    order_.wait(seen);
    seen++;
    if (closing_) return;
    frame(thread);
    if (running_.fetch_sub(1) == 1) running_.notify_all();
  }
}

void Threads::frame(int thread) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start{};
  if (seconds_ && thread == 0) start = Clock::now();
  for (size_t i = 0; i < stages_->size(); i++) {
    Stage *stage = (*stages_)[i];
    const int n = stage->chunks();
    for (int chunk; !failed_ && (chunk = next_[i].fetch_add(1, std::memory_order_relaxed)) < n;) {
      try {
        stage->run(chunk, thread);
      } catch (...) {
        if (!failed_.exchange(true)) failure_ = std::current_exception();
      }
    }
    between_.arrive_and_wait();
    if (seconds_ && thread == 0) {
      const Clock::time_point now = Clock::now();
      (*seconds_)[i] = std::chrono::duration<double>(now - start).count();
      start = now;
    }
  }
}

}  // namespace adain
