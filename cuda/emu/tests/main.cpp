// The program around the cases of one test file. By hand, in cuda/emu (kernels_test.go does the same and more):
//
//   g++ -std=c++17 -O2 -g -march=native -Wall -Wno-unknown-pragmas -Wno-psabi -I ../kernels -I tests -include emu.h
//       tests/main.cpp tests/conv.cpp runtime/*.cpp -o /tmp/conv
//   EMU_SCHED=rand:1 EMU_CP=mix /tmp/conv [prefix of the cases' names]...
//
// AddressSanitizer: add  -O1 -fsanitize=address,undefined -fsanitize-sections=emu_shared -fno-sanitize-recover=undefined
// Data races: compile tests/*.cpp with -O1 -fsanitize=thread -c, runtime/*.cpp with -DEMU_RACES -c, link both without -fsanitize.
//
// Ends with 0 if all went well, 1 if a case failed, 2 if no case is of that name, 3 after an error of the emulator.
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>

namespace {

test::Case *first_case, **last_case = &first_case;
int failures;
std::map<std::string, int> said;  // by this case, and how often

void stop(const char *text) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", text);
  std::fflush(stderr);
  std::_Exit(3);
}

bool chosen(const char *name, int count, char **prefixes) {
  for (int i = 0; i < count; i++)
    if (!std::strncmp(name, prefixes[i], std::strlen(prefixes[i]))) return true;
  return count == 0;
}

}  // namespace

test::Case::Case(const char *name, void (*run)()) : name(name), run(run), next(nullptr) {
  *last_case = this;
  last_case = &next;
}

void test::fail(const char *format, ...) {
  failures++;
  char text[2000];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (++said[text] == 1) std::printf("  %s\n", text);
}

const emu::Kernel &test::kernel(const char *name) {
  const emu::Kernel *k = emu::Kernel::find(name);
  if (k) return *k;
  std::fprintf(stderr, "no kernel named %s is registered; there are:", name);
  for (k = emu::Kernel::first(); k; k = k->next()) std::fprintf(stderr, " %s", k->name);
  stop("");
  std::abort();
}

void test::check_arguments(const emu::Kernel &kernel, const size_t *bytes, size_t n) {
  char text[200];
  if (n != kernel.argument_bytes.size()) {
    std::snprintf(text, sizeof text, "%s takes %zu arguments, the test gives %zu", kernel.name, kernel.argument_bytes.size(), n);
    stop(text);
  }
  for (size_t i = 0; i < n; i++)
    if (bytes[i] != kernel.argument_bytes[i]) {
      std::snprintf(text, sizeof text, "argument %zu of %s has %zu bytes, the test gives one of %zu", i, kernel.name,
                    kernel.argument_bytes[i], bytes[i]);
      stop(text);
    }
}

void test::dies(const char *text, const std::function<void()> &body) {
  int pipe_ends[2];
  std::fflush(nullptr);
  if (pipe(pipe_ends)) std::abort();
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    dup2(pipe_ends[1], 2);
    body();
    std::_Exit(0);
  }
  close(pipe_ends[1]);
  std::string said;
  char part[512];
  for (ssize_t n; (n = read(pipe_ends[0], part, sizeof part)) > 0;) said.append(part, size_t(n));
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 3)
    fail("ended with status %#x, not with an error of the emulator about: %s\n%s", unsigned(status), text, said.c_str());
  else if (said.find(text) == std::string::npos)
    fail("the error does not say: %s\nbut: %s", text, said.c_str());
}

int main(int argc, char **argv) {
  emu::on_error(stop);
  int ran = 0, failed = 0;
  for (test::Case *c = first_case; c; c = c->next) {
    if (!chosen(c->name, argc - 1, argv + 1)) continue;
    failures = 0;
    said.clear();
    c->run();
    for (const auto &line : said)
      if (line.second > 1) std::printf("  %d times in all: %s\n", line.second, line.first.c_str());
    std::printf("%s: %s\n", c->name, failures ? "FAILED" : "ok");
    std::fflush(stdout);
    ran++;
    failed += failures != 0;
  }
  if (!ran) std::fprintf(stderr, "no such case\n");
  return !ran ? 2 : failed ? 1 : 0;
}
