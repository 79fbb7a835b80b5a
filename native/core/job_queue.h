// The jobs of a device, between the threads that ask and the worker that does them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "core/jobs.h"
#include "core/network.h"

namespace lc::core {

struct LoadEngine {
  PlanLocation plan;
  Completion<EngineInfo> done;
};

struct LoadNetwork {
  Network network;
  Completion<EngineInfo> done;
};

struct UnloadEngine {
  std::uint32_t engine;
  Completion<> done;
};

struct MemoryFor {
  std::uint32_t engine;
  lc_shape shape;
  Completion<RunMemory> done;
};

struct Encode {
  EncodeRequest request;
  Completion<> done;
};

struct Trim {
  Completion<> done;
};

using Job = std::variant<LoadEngine, LoadNetwork, UnloadEngine, MemoryFor, Encode, Trim>;

// Calls the job's completion.
void fail(const Job& job, const Error& error);

// Every function from any thread. Calls no completion.
class JobQueue {
 public:
  // `running` is how many encodes the worker takes before one has ended.
  explicit JobQueue(std::uint32_t running);

  // False: closed, and the job is untouched.
  bool push(Job&& job);
  // The next job. None: there is none now; with `wait`, only after stop().
  std::optional<Job> take(bool wait);
  // A taken encode is over.
  //
  // @returns whether it was cancelled
  bool end(std::uint64_t ticket);

  struct Cancelled {
    bool known;
    // One that waited: removed, its completion is still to be called.
    std::optional<Job> job;
  };
  Cancelled cancel(std::uint64_t ticket);

  // Refuses further jobs and hands out those that wait. Empty from the second call on.
  std::list<Job> close();
  bool closed() const;
  // Ends the worker's waiting; after close().
  void stop();

  struct Counts {
    std::uint64_t waiting;
    std::uint64_t running;
  };
  // Of encodes.
  Counts counts() const;

 private:
  struct Running {
    std::uint64_t ticket;
    bool cancelled;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Job> waiting_;
  std::uint64_t waitingEncodes_ = 0;
  std::vector<Running> running_;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace lc::core
