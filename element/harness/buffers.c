#include "harness.h"
#include <string.h>

#define GUARD 0xA5

static GstBuffer *
to_buffer (const HnFrame * f)
{
  GstBuffer *b = gst_buffer_new ();

  gst_buffer_append_memory (b, gst_allocator_alloc (f->allocator, f->size, NULL));
  if (!f->allocator)            /* others need not let themselves be mapped */
    gst_buffer_fill (b, 0, f->data, f->size);
  if (f->meta) {
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
    gint stride[GST_VIDEO_MAX_PLANES] = { 0 };
    for (int i = 0; i < f->planes; i++)
      offset[i] = f->offset[i], stride[i] = f->stride[i];
    gst_buffer_add_video_meta_full (b, GST_VIDEO_FRAME_FLAG_NONE, gst_video_format_from_string (f->format),
        f->width, f->height, f->planes, offset, stride);
  }
  if (f->roi_x >= 0)
    gst_buffer_add_video_region_of_interest_meta (b, "face", f->roi_x, 1, 2, 3);
  GST_BUFFER_PTS (b) = f->pts;
  GST_BUFFER_DTS (b) = f->dts;
  GST_BUFFER_DURATION (b) = f->duration;
  GST_BUFFER_OFFSET (b) = f->number;
  GST_BUFFER_FLAG_SET (b, f->flags);
  return b;
}

int
hn_push (GstHarness * h, const HnFrame * f)
{
  return gst_harness_push (h, to_buffer (f));
}

static void
find_planes (GstHarness * h, GstBuffer * b, HnFrame * f)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (b);
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);
  GstVideoInfo info;

  gst_video_info_from_caps (&info, caps);
  gst_caps_unref (caps);
  f->format = GST_VIDEO_INFO_NAME (&info);
  f->width = info.width;
  f->height = info.height;
  f->planes = GST_VIDEO_INFO_N_PLANES (&info);
  f->meta = meta != NULL;
  for (int i = 0; i < f->planes; i++) {
    f->offset[i] = meta ? meta->offset[i] : info.offset[i];
    f->stride[i] = meta ? meta->stride[i] : info.stride[i];
  }
}

/* FALSE where no buffer has come out. */
gboolean
hn_pull (GstHarness * h, HnFrame * f)
{
  GstBuffer *b = gst_harness_try_pull (h);
  GstVideoRegionOfInterestMeta *roi;
  GstMapInfo map;

  if (!b)
    return FALSE;
  find_planes (h, b, f);
  roi = gst_buffer_get_video_region_of_interest_meta_id (b, 0);
  f->roi_x = roi ? (int) roi->x : -1;
  f->pts = GST_BUFFER_PTS (b);
  f->dts = GST_BUFFER_DTS (b);
  f->duration = GST_BUFFER_DURATION (b);
  f->number = GST_BUFFER_OFFSET (b);
  f->flags = GST_BUFFER_FLAGS (b);
  if (!gst_buffer_map (b, &map, GST_MAP_READ))
    g_error ("a buffer that came out cannot be mapped");
  hn_gpu_look (b, f);
  f->data = g_memdup2 (map.data, map.size);
  f->size = map.size;
  gst_buffer_unmap (b, &map);
  gst_buffer_unref (b);
  return TRUE;
}

/* Pushes n black frames of the caps and drops what comes out, without a call into Go in between. */
int
hn_push_many (GstHarness * h, const char *caps_text, int n)
{
  GstCaps *caps = gst_caps_from_string (caps_text);
  GstVideoInfo info;
  GstBuffer *b;
  GstFlowReturn flow = GST_FLOW_OK;

  gst_video_info_from_caps (&info, caps);
  gst_caps_unref (caps);
  b = gst_buffer_new_allocate (NULL, info.size, NULL);
  gst_buffer_memset (b, 0, 0, info.size);
  while (n-- > 0 && flow == GST_FLOW_OK) {
    GstBuffer *out;
    flow = gst_harness_push (h, gst_buffer_ref (b));
    while ((out = gst_harness_try_pull (h)))
      gst_buffer_unref (out);
  }
  gst_buffer_unref (b);
  return flow;
}

/* An allocator whose memory is full of GUARD, so that bytes nobody writes can be told. */
typedef GstAllocator GuardAllocator;
typedef GstAllocatorClass GuardAllocatorClass;
G_DEFINE_TYPE (GuardAllocator, guard_allocator, GST_TYPE_ALLOCATOR);

static GstMemory *
guard_alloc (GstAllocator * allocator, gsize size, GstAllocationParams * params)
{
  GstMemory *memory = gst_allocator_alloc (NULL, size, params);
  GstMapInfo map;

  gst_memory_map (memory, &map, GST_MAP_WRITE);
  memset (map.data, GUARD, map.size);
  gst_memory_unmap (memory, &map);
  return memory;
}

static void
guard_allocator_class_init (GuardAllocatorClass * klass)
{
  klass->alloc = guard_alloc;
}

static void
guard_allocator_init (GuardAllocator * allocator)
{
  GST_OBJECT_FLAG_SET (allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

/* What downstream offers. */
typedef struct {
  GstAllocator *allocator;
  guint min;
  GstVideoAlignment align;
} Offer;

static void
offer_free (gpointer data)
{
  Offer *offer = data;

  gst_object_unref (offer->allocator);
  g_free (offer);
}

/* Answers the allocation query as a sink that has a pool with memory of its own. */
static GstPadProbeReturn
offer_pool (GstPad * pad, GstPadProbeInfo * probe, gpointer data)
{
  const Offer *offer = data;
  GstVideoAlignment align = offer->align;
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (probe);
  GstBufferPool *pool;
  GstStructure *config;
  GstVideoInfo info;
  GstCaps *caps;
  guint size = 0;

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_parse_allocation (query, &caps, NULL);
  gst_video_info_from_caps (&info, caps);
  pool = gst_video_buffer_pool_new ();
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, info.size, offer->min, 0);
  gst_buffer_pool_config_set_allocator (config, offer->allocator, NULL);
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  gst_buffer_pool_config_set_video_alignment (config, &align);
  gst_buffer_pool_set_config (pool, config);
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_get_params (config, NULL, &size, NULL, NULL);
  gst_structure_free (config);
  gst_query_add_allocation_pool (query, pool, size, offer->min, 0);
  gst_query_add_allocation_param (query, offer->allocator, NULL);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gst_object_unref (pool);
  return GST_PAD_PROBE_HANDLED;
}

/* Takes the allocator. */
void
hn_offer (GstHarness * h, GstAllocator * allocator, guint min, const GstVideoAlignment * align)
{
  Offer *offer = g_new (Offer, 1);

  *offer = (Offer) { allocator, min, *align };
  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, offer_pool, offer, offer_free);
}

void
hn_guard_output (GstHarness * h, guint left, guint right, guint top, guint bottom)
{
  GstVideoAlignment align;

  gst_video_alignment_reset (&align);
  align.padding_left = left;
  align.padding_right = right;
  align.padding_top = top;
  align.padding_bottom = bottom;
  hn_offer (h, gst_object_ref_sink (g_object_new (guard_allocator_get_type (), NULL)), 2, &align);
}
