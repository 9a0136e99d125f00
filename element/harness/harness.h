#ifndef HARNESS_H
#define HARNESS_H

#include <gst/gst.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

typedef struct _GstCudaContext GstCudaContext;

/* A buffer in one piece of memory. Go owns data of a frame that is pushed, C (g_free) of one that was pulled. */
typedef struct {
  const char *format;
  int width, height, planes;
  gsize offset[4];
  int stride[4];
  guint8 *data;
  gsize size;
  gboolean meta;                /* has a GstVideoMeta */
  int roi_x;                    /* x of its region of interest meta, -1 if there is none */
  guint64 pts, dts, duration, number;
  guint flags;
  guintptr context;             /* CUcontext of its memory, 0 for system memory */
  GstAllocator *allocator;      /* whose memory a frame that is pushed lies in, NULL for the system's with data in it */
  gboolean offered;             /* comes from the pool that downstream offered by hn_gpu_pool */
} HnFrame;

/* A message of the bus; every string is its own memory. */
typedef struct {
  char *type, *domain, *text, *debug, *structure, *style, *style_error;
  int code;
  gboolean style_ok;
  guint64 processed, dropped;   /* of a QoS message */
} HnMessage;

/* harness.c */
GstElement *hn_element (const char *line);
GstElement *hn_filter (GstElement * element);
GstHarness *hn_harness (GstElement * element, const char *caps);
void hn_free (GstHarness * h, GstElement * element);
void hn_set (GstElement * element, const char *property, const char *value);
char *hn_get (GstElement * element, const char *property);
void hn_set_style_and_weights (GstElement * element, const char *style, double first, double second);
void hn_set_together (GstElement * element, const char *property, const char *value, const char *other, const char *other_value);
gboolean hn_ramp (GstElement * element, const char *property, guint64 ns);
gboolean hn_next_message (GstBus * bus, HnMessage * m, guint64 timeout);
void hn_message_clear (HnMessage * m);
gboolean hn_is_passthrough (GstElement * element);
gboolean hn_preset (GstElement * element, const char *name, gboolean save);

/* buffers.c */
int hn_push (GstHarness * h, const HnFrame * f);
gboolean hn_pull (GstHarness * h, HnFrame * f);
int hn_push_many (GstHarness * h, const char *caps, int n);
void hn_guard_output (GstHarness * h, guint left, guint right, guint top, guint bottom);

void hn_offer (GstHarness * h, GstAllocator * allocator, guint min, const GstVideoAlignment * align);

/* formats.c */
typedef struct {
  int components, planes, bits;
  int depth[4], shift[4], step[4], plane[4], offset[4], sub_x[4], sub_y[4];
  gboolean complex, tiled, alpha, yuv, gray;
} HnFormat;
gboolean hn_format (const char *name, HnFormat * f);
gboolean hn_layout (const char *caps, gsize * size, gsize * offset, int *stride);
gboolean hn_convert (const char *from, const guint8 * in, const char *to, guint8 * out);

/* scarce.c */
GstAllocator *hn_scarce (void);
void hn_scarce_set (GstAllocator * allocator, int allocations, int maps);
void hn_scarce_output (GstHarness * h, GstAllocator * allocator, guint min);

/* events.c */
void hn_report (GstHarness * h, gint64 diff, guint64 running_time, gboolean throttle);
gint64 hn_told (GstHarness * h);
void hn_clock (GstHarness * h);
void hn_advance (GstHarness * h, guint64 ns);
guint64 hn_time (GstHarness * h);
guint64 hn_latency (GstHarness * h, guint64 upstream);
void hn_drain (GstHarness * h);
void hn_flush (GstHarness * h);
void hn_segment (GstHarness * h);
gboolean hn_key (GstHarness * h, const char *key);
const gint *hn_notified (GstElement * element, const char *property);
void hn_set_half (GstElement * element, const char *when, const char *property, const char *value);
gboolean hn_caps (GstHarness * h, const char *caps);
int hn_proposes (GstHarness * h, const char *caps);
char *hn_out (GstHarness * h);
char *hn_takes (GstHarness * h, const char *downstream);
gboolean hn_accepts (GstHarness * h, const char *caps);

/* gpu.c */
GstCudaContext *hn_gpu_new (guint id);
guintptr hn_gpu_handle (GstCudaContext * context);
void hn_gpu_offer (GstElement * element, GstCudaContext * context);
void hn_gpu_answer (GstElement * element, GstCudaContext * context);
guintptr hn_gpu_query (GstHarness * h);
void hn_gpu_pool (GstHarness * h, GstCudaContext * context);
int hn_gpu_push (GstHarness * h, const HnFrame * f, GstCudaContext * context, int pad);
void hn_gpu_look (GstBuffer * b, HnFrame * f);
gboolean hn_gpu_is_pool (const GstBufferPool * pool);

/* pipeline.c */
GstElement *hn_pipeline (const char *launch, char **error);
int hn_state (GstElement * pipeline, int state);
gboolean hn_seek (GstElement * pipeline, guint64 ns);
void hn_set_in (GstElement * pipeline, const char *name, const char *property, const char *value);
void hn_latency_anew (GstElement * pipeline);
char *hn_get_in (GstElement * pipeline, const char *name, const char *property);
void hn_stop (GstElement * pipeline);

#endif
