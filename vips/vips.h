// What of libvips is used, and how it is found. Nothing of its headers is needed: its functions have kept their types since 8.12.
#pragma once
#include <stddef.h>

enum { VIPS_ERROR = 512 };

// A picture as it is read: rows of bands samples, close together, uint8 or native uint16 where deep. linear says that the file holds floats.
struct vips_picture {
  void *image;  // what vips_fetch reads from, upon which vips_close must be called
  int width, height, bands, deep, linear, pages;
  void *exif, *profile;  // owned by image
  size_t exif_size, profile_size;
};

// Opens libvips, once for all: 0, or 1 and a sentence. The version goes to version[2].
int vips_open(char error[VIPS_ERROR], int version[2]);

// Opens a picture by a loader of libvips ("heifload") for vips_fetch, from top to bottom. deep allows 16 bits; keep leaves the samples in their
// profile; a factor above 1 averages blocks of so many pixels a side. 0, or 1 and a sentence.
int vips_read(const char *path, const char *loader, int deep, int keep, int factor, struct vips_picture *p, char error[VIPS_ERROR]);

// Rows from top on, count of them, into memory for them.
int vips_fetch(const struct vips_picture *p, int top, int count, void *to, char error[VIPS_ERROR]);

void vips_close(struct vips_picture *p);

// What is to be written; all memory is the caller's.
struct vips_result {
  const void *samples;
  int width, height, bands, deep, quality, optimize;
  const void *exif, *profile;
  size_t exif_size, profile_size;
};

// Writes a picture whose kind is the end of a name (".jpg") to memory of its own, for vips_free. 0, or 1 and a sentence.
int vips_write(const struct vips_result *r, const char *end, void **data, size_t *size, char error[VIPS_ERROR]);

void vips_free(void *data);

// Whether there is an operation of that name.
int vips_has(const char *operation);
