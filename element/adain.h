#ifndef ADAIN_H
#define ADAIN_H

#include <stdint.h>
#include <gst/gst.h>
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#define ADAIN_TYPE_NAME "GstAdaInFilter"
#define ADAIN_PLANES 4
#define ADAIN_STATISTICS_NAME "adain-statistics"
#define DEFAULT_MOTION TRUE
#define DEFAULT_SMOOTHING 0.8     /* documents/scores.md has the figures that it comes from */

GST_DEBUG_CATEGORY_EXTERN (adain_debug);
#define GST_CAT_DEFAULT adain_debug

/* Style statistics as a GstStructure carries them: mean and std (C). All memory is the struct's own. */
typedef struct {
  gchar *network;
  gdouble *mean, *std;
  guint n_mean, n_std;
} AdaInStatistics;

/* The properties as they are wanted. Guarded by the object lock; others work on a copy. All memory is the struct's own. */
typedef struct {
  gchar *weights, *style, *mask, *lut, *output_lut;
  gdouble *style_weights;
  guint n_style_weights;
  gboolean use_statistics;      /* statistics were written after style and replace it */
  AdaInStatistics statistics;
  gint style_size, processing_size, hdr, device, device_id, threads, precision;
  gdouble alpha, smoothing;
  gboolean preserve_color, motion, navigation;
  guint64 transition;           /* ns */
  guint style_serial;           /* grows with every change that can change the style in force */
} AdaInSettings;

/* One plane of a mapped frame; size counts the bytes that may be touched from data on. */
typedef struct {
  guint8 *data;
  gsize size;
  gint stride;
  gboolean device;              /* data is an address in the GPU's memory */
} AdaInPlane;

/* One frame during one call. */
typedef struct {
  AdaInPlane src[ADAIN_PLANES], dst[ADAIN_PLANES];
  gfloat alpha;                 /* 0 with look-up tables of files, and in frames of system memory that cannot be handed on as they are */
  gdouble smoothing;            /* as the property says, 0 to 1 */
  gboolean preserve_color, motion;
  gboolean interlaced;          /* rows of two fields alternate */
  GstClockTime time;            /* running time, GST_CLOCK_TIME_NONE where unknown */
  gboolean discontinuity;       /* does not go on from the frame before; stays until the engine has done a frame */
  GstClockTime period;          /* until the next frame is due, 0 where unknown */
  guintptr src_stream, dst_stream;      /* CUstreams on which others order what they do with the planes; 0: the GPU must be through */
} AdaInFrame;

/* What the caps say of colours beside the matrix. */
typedef struct {
  gint transfer;                /* 0: no high dynamic range, 1: PQ, 2: HLG */
  gint primaries;               /* values of hdr.Primaries */
  gdouble max_cll, display;     /* cd/m2: the brightest pixel, the mastering display's peak; 0 where unknown */
} AdaInColour;

/* What went wrong, in the order of messages.c. */
typedef enum {
  ADAIN_ERROR_FAILED,           /* LIBRARY FAILED: the engine failed, or the program has a bug */
  ADAIN_ERROR_INIT,             /* LIBRARY INIT: no engine, no CUDA context */
  ADAIN_ERROR_NOT_FOUND,        /* RESOURCE NOT_FOUND: no such file */
  ADAIN_ERROR_OPEN,             /* RESOURCE OPEN_READ: no permission, not a plain file */
  ADAIN_ERROR_READ,             /* RESOURCE READ: a file that does not hold what it should */
  ADAIN_ERROR_SETTINGS,         /* RESOURCE SETTINGS: values that do not fit */
  ADAIN_ERROR_CAPS,             /* CORE NEGOTIATION: frames that cannot be handled */
  ADAIN_ERROR_STREAM            /* STREAM FAILED: a buffer that does not hold what its caps say */
} AdaInErrorKind;

/* What became of frames since the start. */
typedef struct {
  guint64 processed, dropped;
  gdouble average, p95;         /* ms that the engine took for one of the newest 64 */
  GstClockTime latency;
  gint processing_size;         /* short side at which the network sees frames, 0 before the first */
} AdaInStats;

/* Why a frame is dropped, for the QoS message. */
typedef struct {
  gint64 late;                  /* ns that it would come after its time */
  gdouble proportion;           /* time of a frame by its period */
  guint64 processed, dropped;
} AdaInDrop;

/* Filled by Go; text and debug are malloc'ed there and freed by adain_post_error. */
typedef struct {
  gint kind;
  char *text, *debug;
} AdaInError;

/* What Go knows and properties say; for the call only. */
typedef struct {
  const char *default_style, *style_blurb, *smoothing_blurb;
  const char *formats, *gpu_formats;    /* GStreamer's names with commas between, of system memory and of GPU memory */
  gint max_threads;
} AdaInClass;

/* Frames that are done and wait for the thread that hands them to the sink. */
typedef struct {
  GMutex lock;                  /* guards the rest */
  GCond changed;
  GThread *thread;              /* atomic: NULL where the thread that computes frames pushes them */
  GstBuffer *waiting[2];        /* in order, the first ones used */
  gboolean pushing, flushing, stopped;
  GstFlowReturn flow;           /* what downstream said of the last one */
} AdaInAhead;

typedef struct _GstCudaContext GstCudaContext;

typedef struct {
  GstBaseTransform parent;
  AdaInSettings settings;       /* under the object lock */
  AdaInSettings announced;      /* under the object lock: as the worker is to see them */
  GstCudaContext *context;      /* under the object lock: shared with the elements around; see context.c */
  gpointer stream;              /* under the object lock: a GstCudaStream of stream_context; see stream.c */
  GstCudaContext *stream_context;       /* as above, only to compare */
  gboolean tables;              /* look-up tables of files are in force; does not change between start and stop */
  gboolean gpu_engine;          /* the engine takes frames in GPU memory; does not change between start and stop */
  AdaInAhead ahead;
  gint late;                    /* atomic: a sink that waits in the streaming thread has said that a frame came too late */
  /* Below: streaming thread only. */
  GstVideoInfo info;
  AdaInFrame frame;
  gboolean gpu_memory;          /* the caps say CUDAMemory */
  gboolean refused;             /* the frame under way cannot be taken, an error is posted */
  GThread *thread;              /* atomic: of the frame under way or the last one */
  gboolean downstream_takes_meta;       /* downstream reads strides and offsets from GstVideoMeta */
} GstAdaInFilter;

#define ADAIN_FILTER(o) ((GstAdaInFilter *) (o))

/* class.c */
extern GstBaseTransformClass *adain_parent_class;
extern GstCaps *adain_gpu_caps; /* what an engine on a GPU takes */
void adain_class_init (void *klass, const AdaInClass * c);
GType adain_lookup_type (void);
gboolean adain_register (void *plugin, GType type);

/* preset.c */
void adain_add_interfaces (GType type);

/* properties.c */
void adain_install_properties (GObjectClass * klass, const AdaInClass * c);
void adain_notify_statistics (GstAdaInFilter * self);

/* settings.c */
void adain_settings_init (AdaInSettings * s, const char *default_style);
void adain_settings_copy (GstAdaInFilter * self, AdaInSettings * copy);
void adain_settings_copy_announced (GstAdaInFilter * self, AdaInSettings * copy);
gboolean adain_settings_announce (GstAdaInFilter * self);
void adain_settings_clear (AdaInSettings * s);

/* values.c */
GstStructure *adain_statistics_to_structure (const AdaInStatistics * s);
GstStructure *adain_current_to_structure (const char *network, const float *mean, const float *std, guint n);
void adain_statistics_from_structure (AdaInStatistics * s, const GstStructure * structure);
void adain_statistics_copy (AdaInStatistics * to, const AdaInStatistics * from);
void adain_statistics_clear (AdaInStatistics * s);
gboolean adain_doubles_from_array (const GValue * array, gdouble ** values, guint * n);
void adain_doubles_to_array (const gdouble * values, guint n, GValue * array);
gchar **adain_names_from_array (const GValue * array);
void adain_append_name (GValue * array, const gchar * name);

/* context.c */
void adain_install_context (GstElementClass * element, GstBaseTransformClass * base);
gboolean adain_context_ensure (GstAdaInFilter * self);
gboolean adain_context_follow (GstAdaInFilter * self, GstBuffer * buffer);
void adain_context_release (GstAdaInFilter * self);
GstCudaContext *adain_context_ref (GstAdaInFilter * self);
void adain_context_unref (GstCudaContext * context);
guintptr adain_context_handle (GstCudaContext * context);

/* stream.c */
gpointer adain_stream_ref (GstAdaInFilter * self, GstCudaContext * context);
void adain_stream_unref (gpointer stream);
guintptr adain_stream_handle (gpointer stream);
void adain_stream_release (GstAdaInFilter * self);

/* caps.c */
gboolean adain_caps_on_gpu (const GstCaps * caps);
void adain_install_negotiation (GstBaseTransformClass * klass);

/* pools.c */
void adain_install_pools (GstBaseTransformClass * klass);

/* frame.c */
void adain_install_frames (GstBaseTransformClass * klass);
gboolean adain_untouched (GstAdaInFilter * self);

/* qos.c */
void adain_install_qos (GstBaseTransformClass * klass);
GstClockTime adain_now (GstAdaInFilter * self);
void adain_post_latency (GstAdaInFilter * self);
gboolean adain_answer_latency (GstAdaInFilter * self, GstQuery * query);
gboolean adain_hear_events (GstAdaInFilter * self, GstEvent * event);
GstStructure *adain_stats (GstAdaInFilter * self);

/* ahead.c */
void adain_ahead_init (GstAdaInFilter * self);
void adain_ahead_clear (GstAdaInFilter * self);
void adain_ahead_start (GstAdaInFilter * self);
void adain_ahead_stop (GstAdaInFilter * self);
void adain_ahead_drain (GstAdaInFilter * self);
void adain_ahead_flush (GstAdaInFilter * self, gboolean begins);

/* navigation.c */
void adain_install_navigation (GstBaseTransformClass * klass);

/* messages.c */
void adain_post_error (GstAdaInFilter * self, AdaInError * e);
void adain_post_style (GstAdaInFilter * self, const char *name, gboolean ok, const char *error);
void adain_log_info (GstAdaInFilter * self, const char *text);
void adain_log_warning (GstAdaInFilter * self, const char *text);

#endif
