#include "vips.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Values of libvips' enumerations.
enum { UCHAR = 0, USHORT = 2, B_W = 1, CMYK = 15, SRGB = 22, RGB16 = 25, GREY16 = 26, SCRGB = 28, FLOAT = 6, SEQUENTIAL = 1, FAIL_ON_ERROR = 2, PERCEPTUAL = 0, NO_SUBSAMPLING = 2, HEVC = 1, LZW = 5 };

typedef void VipsImage;

#define FUNCTIONS(F) \
  F(int, vips_init, (const char *)) \
  F(int, vips_version, (int)) \
  F(int, vips_call, (const char *, ...)) \
  F(int, vips_concurrency_get, (void)) \
  F(void, vips_cache_set_max, (int)) \
  F(const char *, vips_error_buffer, (void)) \
  F(void, vips_error_clear, (void)) \
  F(int, vips_image_get_width, (const VipsImage *)) \
  F(int, vips_image_get_height, (const VipsImage *)) \
  F(int, vips_image_get_bands, (const VipsImage *)) \
  F(int, vips_image_get_format, (const VipsImage *)) \
  F(int, vips_image_get_interpretation, (const VipsImage *)) \
  F(int, vips_image_get_n_pages, (VipsImage *)) \
  F(size_t, vips_image_get_typeof, (const VipsImage *, const char *)) \
  F(int, vips_image_get_blob, (const VipsImage *, const char *, const void **, size_t *)) \
  F(void, vips_image_set_blob_copy, (VipsImage *, const char *, const void *, size_t)) \
  F(VipsImage *, vips_image_new_from_memory, (const void *, size_t, int, int, int, int)) \
  F(int, vips_image_write_to_buffer, (VipsImage *, const char *, void **, size_t *, ...)) \
  F(void *, vips_region_new, (VipsImage *)) \
  F(unsigned char *, vips_region_fetch, (void *, int, int, int, int, size_t *)) \
  F(size_t, vips_type_find, (const char *, const char *)) \
  F(void, vips_thread_shutdown, (void)) \
  F(void, g_object_unref, (void *)) \
  F(void, g_free, (void *))

#define POINTER(type, name, parameters) type(*name) parameters;
static struct { FUNCTIONS(POINTER) } v;

static int failed(char error[VIPS_ERROR]) {
  snprintf(error, VIPS_ERROR, "%s", v.vips_error_buffer());
  v.vips_error_clear();
  v.vips_thread_shutdown();
  char *end = error + strlen(error);
  while (end > error && end[-1] == '\n') *--end = 0;
  for (char *c = error; *c; c++)
    if (*c == '\n') *c = ';';
  return 1;
}

int vips_open(char error[VIPS_ERROR], int version[2]) {
  // Modules of libvips look for its symbols among those of the whole program.
  void *library = dlopen("libvips.so.42", RTLD_NOW | RTLD_GLOBAL);
  if (!library) {
    snprintf(error, VIPS_ERROR, "%s", dlerror());
    return 1;
  }
#define FIND(type, name, parameters) \
  if (!(*(void **)&v.name = dlsym(library, #name))) { \
    snprintf(error, VIPS_ERROR, "libvips lacks the function " #name); \
    return 1; \
  }
  FUNCTIONS(FIND)
  setenv("VIPS_WARNING", "1", 0);  // its warnings are not for users
  if (v.vips_init("adain")) return failed(error);
  v.vips_cache_set_max(0);
  version[0] = v.vips_version(0);
  version[1] = v.vips_version(1);
  return 0;
}

int vips_has(const char *operation) { return v.vips_type_find("VipsOperation", operation) != 0; }

// STEP replaces image by what an operation makes of it.
#define STEP(operation, ...) \
  do { \
    VipsImage *next = NULL; \
    if (v.vips_call(operation, image, &next, ##__VA_ARGS__, NULL)) goto failed; \
    v.g_object_unref(image); \
    image = next; \
  } while (0)

// What a picture carries under a name.
static void blob(VipsImage *image, const char *name, void **data, size_t *size) {
  const void *found = NULL;
  if (v.vips_image_get_typeof(image, name) && !v.vips_image_get_blob(image, name, &found, size) && (*data = malloc(*size + 1)))
    memcpy(*data, found, *size);
  else
    *size = 0;
}

// colour takes a picture to sRGB of 8 or 16 bits.
static VipsImage *colour(VipsImage *image, int deep, int has_profile) {
  int depth = deep ? 16 : 8;
  if (has_profile) {
    VipsImage *next = NULL;
    if (!v.vips_call("icc_transform", image, &next, "srgb", "embedded", 1, "intent", PERCEPTUAL, "depth", depth, NULL)) {
      v.g_object_unref(image);
      return next;
    }
    v.vips_error_clear();  // a damaged profile: the pixels are good all the same
  }
  if (v.vips_image_get_interpretation(image) == CMYK)
    STEP("icc_transform", "srgb", "input_profile", "cmyk", "intent", PERCEPTUAL, "depth", depth);
  else
    STEP("colourspace", deep ? RGB16 : SRGB);
  return image;
failed:
  v.g_object_unref(image);
  return NULL;
}

int vips_read(const char *path, const char *loader, int deep, int keep, int factor, struct vips_picture *p, char error[VIPS_ERROR]) {
  VipsImage *image = NULL;
  memset(p, 0, sizeof *p);
  v.vips_error_clear();  // of what came while another picture was closed
  if (v.vips_call(loader, path, &image, "access", SEQUENTIAL, "fail_on", FAIL_ON_ERROR, NULL)) return failed(error);
  p->pages = v.vips_image_get_n_pages(image);
  p->deep = deep && v.vips_image_get_format(image) != UCHAR;
  p->linear = v.vips_image_get_format(image) == FLOAT;
  blob(image, "exif-data", &p->exif, &p->exif_size);
  blob(image, "icc-profile-data", &p->profile, &p->profile_size);
  // PFM holds linear light, which libvips does not say of it.
  if (!strcmp(loader, "ppmload") && v.vips_image_get_format(image) == FLOAT) STEP("copy", "interpretation", SCRGB);
  if (factor > 1) STEP("shrink", (double)factor, (double)factor);
  int space = v.vips_image_get_interpretation(image);
  if (!(keep && p->profile && (space == SRGB || space == RGB16))) {
    if (!(image = colour(image, p->deep, p->profile != NULL))) {
      vips_close(p);
      return failed(error);
    }
    free(p->profile);
    p->profile = NULL;
    p->profile_size = 0;
  }
  STEP("cast", p->deep ? USHORT : UCHAR, "shift", 1);
  if (v.vips_image_get_bands(image) > 4) STEP("extract_band", 0, "n", 3);
  p->width = v.vips_image_get_width(image);
  p->height = v.vips_image_get_height(image);
  p->bands = v.vips_image_get_bands(image);
  p->image = v.vips_region_new(image);
  v.g_object_unref(image);  // the region keeps it
  return p->image ? 0 : failed(error);
failed:
  v.g_object_unref(image);
  vips_close(p);
  return failed(error);
}

int vips_fetch(const struct vips_picture *p, int top, int count, void *to, char error[VIPS_ERROR]) {
  size_t size = 0;
  unsigned char *rows = v.vips_region_fetch(p->image, 0, top, p->width, count, &size);
  if (!rows) return failed(error);
  memcpy(to, rows, size);
  v.g_free(rows);
  return 0;
}

void vips_close(struct vips_picture *p) {
  if (p->image) v.g_object_unref(p->image);
  free(p->exif);
  free(p->profile);
  memset(p, 0, sizeof *p);
  v.vips_thread_shutdown();
}

int vips_write(const struct vips_result *r, const char *end, void **data, size_t *size, char error[VIPS_ERROR]) {
  size_t bytes = (size_t)r->width * r->height * r->bands * (r->deep ? 2 : 1);
  VipsImage *image = v.vips_image_new_from_memory(r->samples, bytes, r->width, r->height, r->bands, r->deep ? USHORT : UCHAR);
  if (!image) return failed(error);
  STEP("copy", "interpretation", r->deep ? RGB16 : SRGB);
  if (r->exif) v.vips_image_set_blob_copy(image, "exif-data", r->exif, r->exif_size);
  if (r->profile) v.vips_image_set_blob_copy(image, "icc-profile-data", r->profile, r->profile_size);
  int bad;
#define SAVE(...) bad = v.vips_image_write_to_buffer(image, end, data, size, ##__VA_ARGS__, NULL)
  if (!strcmp(end, ".jpg"))
    SAVE("Q", r->quality, "subsample_mode", NO_SUBSAMPLING, "optimize_coding", r->optimize);
  else if (!strcmp(end, ".heic"))
    SAVE("Q", r->quality, "compression", HEVC, "bitdepth", 8);
  else if (!strcmp(end, ".avif"))
    SAVE("Q", r->quality, "bitdepth", r->deep ? 10 : 8);
  else if (!strcmp(end, ".tif"))
    SAVE("compression", LZW);
  else
    SAVE("Q", r->quality);
  if (bad) goto failed;
  v.g_object_unref(image);
  v.vips_thread_shutdown();
  return 0;
failed:
  v.g_object_unref(image);
  return failed(error);
}

void vips_free(void *data) { v.g_free(data); }
