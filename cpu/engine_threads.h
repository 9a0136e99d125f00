// A fixed team of threads that runs one job at a time. OpenMP is not used for our own loops: its teams belong to the
// calling thread, spin on cores that decoders and encoders need, and cannot be given a thread count per engine.
#pragma once

#include <atomic>
#include <barrier>
#include <exception>
#include <thread>
#include <vector>

namespace adain {

// A stage of a frame: independent chunks of work, then a barrier.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual int chunks() const = 0;
  // Computes one chunk on one thread (0 to size-1). Chunks of one stage run at the same time.
  virtual void run(int chunk, int thread) = 0;
};

class Threads {
 public:
  // Throws if the system does not give that many threads.
  explicit Threads(int size);
  ~Threads();
  Threads(const Threads &) = delete;
  Threads &operator=(const Threads &) = delete;

  int size() const { return int(team_.size()); }

  // Runs the stages one after another and returns when the last one is done. The calling thread only waits. The first
  // exception of any chunk is thrown here; the chunks after it are skipped.
  void run(const std::vector<Stage *> &stages);
  // From now on each run leaves there how many seconds each of its stages took; null ends that.
  void time(std::vector<double> *seconds) { seconds_ = seconds; }

 private:
  void close();
  void work(int thread);
  void frame(int thread);

  std::barrier<> between_;          // between two stages, members of the team only
  std::atomic<unsigned> order_{0};  // counts jobs; the team waits for it to change
  std::atomic<int> running_{0};     // members still at work; the caller waits for 0
  std::atomic<bool> failed_{false}, closing_{false};
  std::exception_ptr failure_;
  const std::vector<Stage *> *stages_ = nullptr;
  std::vector<double> *seconds_ = nullptr;
  std::vector<std::atomic<int>> next_;  // next chunk of each stage
  std::vector<std::jthread> team_;      // last, so that it has ended before what it uses is gone
};

}  // namespace adain
