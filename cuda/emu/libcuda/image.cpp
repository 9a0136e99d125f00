// What an image declares that a program loads as a module: kernels with their parameters, constants with their bytes. Of PTX as its text
// says it, of a cubin as the ELF file does. The code in it is not looked at.
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <elf.h>

#include "libcuda.h"

namespace gpu {
namespace {

// ---- PTX

bool in_name(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }

std::string name_at(const std::string &text, size_t i) {
  size_t end = i;
  while (end < text.size() && in_name(text[end])) end++;
  return text.substr(i, end - i);
}

// ".param .u64 .ptr .align 1 x" has 8 bytes, ".param .align 64 .b8 x[128]" 128.
size_t parameter_bytes(const std::string &p) {
  if (size_t bracket = p.find('['); bracket != std::string::npos) return size_t(atoll(p.c_str() + bracket + 1));
  for (const char *type : {".u64", ".s64", ".b64", ".f64"}) {
    if (p.find(type) != std::string::npos) return 8;
  }
  for (const char *type : {".u32", ".s32", ".b32", ".f32"}) {
    if (p.find(type) != std::string::npos) return 4;
  }
  return p.find("16") != std::string::npos ? 2 : 1;
}

// An address is aligned as itself, whatever it points at; else what .align says, or the size.
size_t parameter_alignment(const std::string &p) {
  const size_t align = p.find(".align ");
  if (p.find(".ptr") != std::string::npos || align == std::string::npos) return parameter_bytes(p);
  return size_t(atoll(p.c_str() + align + 7));
}

std::vector<Entry> parse_entries(const std::string &ptx) {
  static const std::string word = ".entry ";
  std::vector<Entry> entries;
  for (size_t i = ptx.find(word); i != std::string::npos; i = ptx.find(word, i)) {
    i += word.size();
    Entry e = {name_at(ptx, i), {}, {}};
    size_t at = 0;
    const size_t open = i + e.name.size(), body = ptx.find('{', i), close = std::min(ptx.find(')', i), body);
    if (open < ptx.size() && ptx[open] == '(' && close != std::string::npos) {
      for (size_t p = ptx.find(".param", open); p < close; p = ptx.find(".param", p + 1)) {
        const size_t end = std::min(ptx.find(',', p), close);
        const std::string parameter = ptx.substr(p, end - p);
        const size_t alignment = parameter_alignment(parameter);
        at = (at + alignment - 1) / alignment * alignment;
        e.argument_bytes.push_back(parameter_bytes(parameter));
        e.argument_offset.push_back(at);
        at += e.argument_bytes.back();
      }
    }
    entries.push_back(e);
  }
  return entries;
}

// ".b8 NAME_launch[20] = {16, 0, ...}", where zeros at the end may be missing.
std::vector<unsigned char> initial_bytes(const std::string &ptx, size_t at) {
  std::vector<unsigned char> bytes(sizeof(emu::Launch), 0);
  const size_t end = ptx.find(';', at);
  size_t p = std::min(ptx.find('{', at), end);
  for (size_t i = 0; i < bytes.size() && p < end; i++) {
    bytes[i] = static_cast<unsigned char>(atoi(ptx.c_str() + p + 1));
    p = std::min(ptx.find(',', p + 1), end);
  }
  return bytes;
}

// What the driver's compiler checks first: version and target. An error's text goes where the caller wants it.
CUresult check_target(const std::string &ptx, std::string *log) {
  const size_t version = ptx.find(".version "), target = ptx.find(".target sm_");
  if (version == std::string::npos || target == std::string::npos) {
    *log = "ptxas fatal   : no .version or no .target";
    return CUDA_ERROR_INVALID_PTX;
  }
  int major = 0, minor = 0, capability = 0;
  char specific = 0;
  sscanf(ptx.c_str() + version, ".version %d.%d", &major, &minor);
  sscanf(ptx.c_str() + target, ".target sm_%d%c", &capability, &specific);
  // PTX 8.0 came with CUDA 12.0, 8.7 with 12.8, 9.0 with 13.0.
  const int wanted = major < 8 ? 0 : major == 8 ? 12000 + (minor < 6 ? minor : minor + 1) * 10 : 13000 + minor * 10;
  const int have = int(setting("EMU_DRIVER_VERSION", 12080));
  if (wanted > have) {
    *log = "ptxas application ptx input, line 1; fatal   : Unsupported .version " + std::to_string(major) + "." + std::to_string(minor);
    return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  }
  const int cc = compute_capability();
  if (specific == 'a' ? cc != capability : cc < capability) {
    *log = "PTX for sm_" + std::to_string(capability) + (specific == 'a' ? "a" : "") + " cannot run on sm_" + std::to_string(cc);
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  return CUDA_SUCCESS;
}

std::map<std::string, std::vector<unsigned char>> parse_constants(const std::string &ptx) {
  static const std::string suffix = "_launch[";
  std::map<std::string, std::vector<unsigned char>> constants;
  for (size_t i = ptx.find(suffix); i != std::string::npos; i = ptx.find(suffix, i + 1)) {
    size_t start = i;
    while (start > 0 && in_name(ptx[start - 1])) start--;
    constants[name_at(ptx, start)] = initial_bytes(ptx, i);
  }
  return constants;
}

// ---- cubins

template <class T> T read_at(const unsigned char *p) {
  T v;
  memcpy(&v, p, sizeof v);
  return v;
}

struct Cubin {
  const unsigned char *image;
  Elf64_Ehdr head;

  Elf64_Shdr section(unsigned i) const { return read_at<Elf64_Shdr>(image + head.e_shoff + i * sizeof(Elf64_Shdr)); }
  std::string name(const Elf64_Shdr &s) const {
    return reinterpret_cast<const char *>(image + section(head.e_shstrndx).sh_offset + s.sh_name);
  }

  // Compute capability and whether the code is for that one alone; where they stand changed with version 8.
  int capability() const { return head.e_ident[EI_ABIVERSION] < 8 ? head.e_flags & 255 : head.e_flags >> 8 & 255; }
  bool specific() const { return head.e_ident[EI_ABIVERSION] < 8 ? head.e_flags & 0x800 : head.e_flags & 8; }

  // The attributes of ".nv.info.KERNEL"; those with code 0x17 are parameters: index, ordinal, offset, and above bit 18 bytes.
  Entry entry(const std::string &kernel, const Elf64_Shdr &s) const {
    Entry e = {kernel, {}, {}};
    for (const unsigned char *p = image + s.sh_offset, *end = p + s.sh_size; p < end;) {
      const size_t bytes = p[0] == 4 ? read_at<uint16_t>(p + 2) : 0;
      if (p[0] == 4 && p[1] == 0x17) {
        const size_t ordinal = read_at<uint16_t>(p + 8);
        if (e.argument_bytes.size() <= ordinal) e.argument_bytes.resize(ordinal + 1), e.argument_offset.resize(ordinal + 1);
        e.argument_offset[ordinal] = read_at<uint16_t>(p + 10);
        e.argument_bytes[ordinal] = read_at<uint32_t>(p + 12) >> 18;
      }
      p += 4 + bytes;
    }
    return e;
  }

  void symbols(const Elf64_Shdr &table, Module *m) const {
    for (size_t at = 0; at < table.sh_size; at += sizeof(Elf64_Sym)) {
      const auto s = read_at<Elf64_Sym>(image + table.sh_offset + at);
      const std::string n = reinterpret_cast<const char *>(image + section(table.sh_link).sh_offset + s.st_name);
      if (n.size() < 7 || n.compare(n.size() - 7, 7, "_launch") != 0 || s.st_shndx == SHN_UNDEF) continue;
      const unsigned char *bytes = image + section(s.st_shndx).sh_offset + s.st_value;
      m->constants[n] = {bytes, bytes + s.st_size};
    }
  }
};

// A cubin runs on the GPU that it is for and on later ones of the same major number, unless it is for that one alone.
CUresult read_cubin(const void *image, Module *m, std::string *log) {
  const Cubin cubin = {static_cast<const unsigned char *>(image), read_at<Elf64_Ehdr>(static_cast<const unsigned char *>(image))};
  const int have = compute_capability(), want = cubin.capability();
  if (have != want && (cubin.specific() || have / 10 != want / 10 || have < want)) {
    *log = "code for sm_" + std::to_string(want) + " cannot run on sm_" + std::to_string(have);
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  static const std::string info = ".nv.info.";
  for (unsigned i = 0; i < cubin.head.e_shnum; i++) {
    const Elf64_Shdr s = cubin.section(i);
    const std::string n = cubin.name(s);
    if (n.compare(0, info.size(), info) == 0) m->entries.push_back(cubin.entry(n.substr(info.size()), s));
    if (s.sh_type == SHT_SYMTAB) cubin.symbols(s, m);
  }
  return CUDA_SUCCESS;
}

}  // namespace

CUresult read_image(const void *image, Module *m, std::string *log) {
  if (memcmp(image, ELFMAG, SELFMAG) == 0) return setting("EMU_CUBINS", 1) ? read_cubin(image, m, log) : CUDA_ERROR_NO_BINARY_FOR_GPU;
  const std::string ptx = static_cast<const char *>(image);
  if (!setting("EMU_PTX", 1)) return CUDA_ERROR_JIT_COMPILER_NOT_FOUND;
  if (CUresult r = check_target(ptx, log)) return r;
  m->entries = parse_entries(ptx);
  m->constants = parse_constants(ptx);
  return CUDA_SUCCESS;
}

}  // namespace gpu
