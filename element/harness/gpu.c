#include "harness.h"
#include <string.h>
#define GST_USE_UNSTABLE_API
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudautils.h>

/* NULL where there is no such GPU. */
GstCudaContext *
hn_gpu_new (guint id)
{
  if (!gst_cuda_load_library ())
    return NULL;
  gst_cuda_memory_init_once ();
  return gst_cuda_context_new (id);
}

guintptr
hn_gpu_handle (GstCudaContext * context)
{
  return (guintptr) gst_cuda_context_get_handle (context);
}

/* Gives an element the context, as bins and applications do. */
void
hn_gpu_offer (GstElement * element, GstCudaContext * context)
{
  GstContext *c = gst_context_new_cuda_context (context);

  gst_element_set_context (element, c);
  gst_context_unref (c);
}

static GstBusSyncReply
answer (GstBus * bus, GstMessage * message, gpointer context)
{
  const gchar *type;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_NEED_CONTEXT && gst_message_parse_context_type (message, &type)
      && !strcmp (type, GST_CUDA_CONTEXT_TYPE))
    hn_gpu_offer (GST_ELEMENT (GST_MESSAGE_SRC (message)), context);
  return GST_BUS_PASS;
}

/* Answers need-context with the context. */
void
hn_gpu_answer (GstElement * element, GstCudaContext * context)
{
  gst_bus_set_sync_handler (GST_ELEMENT_BUS (element), answer, gst_object_ref (context), gst_object_unref);
}

/* Asks the element for its context as a neighbour does; 0 where it has none. */
guintptr
hn_gpu_query (GstHarness * h)
{
  GstQuery *query = gst_query_new_context (GST_CUDA_CONTEXT_TYPE);
  guintptr handle = 0;

  if (gst_pad_peer_query (h->srcpad, query)) {
    GstContext *c;
    GstCudaContext *context = NULL;

    gst_query_parse_context (query, &c);
    if (c && gst_structure_get (gst_context_get_structure (c), GST_CUDA_CONTEXT_TYPE, GST_TYPE_CUDA_CONTEXT, &context, NULL)) {
      handle = hn_gpu_handle (context);
      gst_object_unref (context);
    }
  }
  gst_query_unref (query);
  return handle;
}

/* An active pool of buffers in GPU memory. */
static GstBufferPool *
new_pool (GstCudaContext * context, const char *format, int width, int height)
{
  GstBufferPool *pool = gst_cuda_buffer_pool_new (context);
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstCaps *caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, format, "width", G_TYPE_INT, width,
      "height", G_TYPE_INT, height, "framerate", GST_TYPE_FRACTION, 25, 1, NULL);

  gst_caps_set_features_simple (caps, gst_caps_features_new (GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY, NULL));
  gst_buffer_pool_config_set_params (config, caps, 0, 0, 0);
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_caps_unref (caps);
  if (!gst_buffer_pool_set_config (pool, config) || !gst_buffer_pool_set_active (pool, TRUE))
    gst_clear_object (&pool);
  return pool;
}

/* Answers the allocation query as a sink that offers a pool in context. */
static GstPadProbeReturn
offer_pool (GstPad * pad, GstPadProbeInfo * probe, gpointer context)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (probe);
  GstVideoInfo info;
  GstCaps *caps;
  GstBufferPool *pool;

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_parse_allocation (query, &caps, NULL);
  gst_video_info_from_caps (&info, caps);
  pool = new_pool (context, GST_VIDEO_INFO_NAME (&info), info.width, info.height);
  gst_buffer_pool_set_active (pool, FALSE);
  g_object_set_data (G_OBJECT (pool), "offered", pool);
  gst_query_add_allocation_pool (query, pool, info.size, 0, 0);
  gst_object_unref (pool);
  return GST_PAD_PROBE_HANDLED;
}

void
hn_gpu_pool (GstHarness * h, GstCudaContext * context)
{
  gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, offer_pool, gst_object_ref (context), gst_object_unref);
}

static void
copy_rows (GstVideoFrame * to, const HnFrame * f)
{
  for (int i = 0; i < f->planes; i++) {
    int rows = GST_VIDEO_FRAME_COMP_HEIGHT (to, i), row = GST_VIDEO_FRAME_COMP_WIDTH (to, i) * GST_VIDEO_FRAME_COMP_PSTRIDE (to, i);

    for (int y = 0; y < rows; y++)
      memcpy ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (to, i) + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (to, i),
          f->data + f->offset[i] + (gsize) y * f->stride[i], row);
  }
}

/* Lets the buffer's GstVideoMeta describe the part of width x height that begins pad pixels from the left and from the top. */
static void
crop (GstBuffer * b, const GstVideoFormatInfo * format, int width, int height, int pad)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (b);

  for (guint i = 0; i < meta->n_planes; i++)
    meta->offset[i] += (gsize) (pad >> GST_VIDEO_FORMAT_INFO_H_SUB (format, i)) * meta->stride[i]
        + (pad >> GST_VIDEO_FORMAT_INFO_W_SUB (format, i)) * GST_VIDEO_FORMAT_INFO_PSTRIDE (format, i);
  meta->width = width;
  meta->height = height;
}

/* Pushes a frame from GPU memory, where it lies pad pixels (even) inside of a larger one. With pad below 0 the memory is smaller than
 * its GstVideoMeta says, and black. GST_FLOW_CUSTOM_ERROR where the frame cannot be brought there. */
int
hn_gpu_push (GstHarness * h, const HnFrame * f, GstCudaContext * context, int pad)
{
  GstBufferPool *pool = new_pool (context, f->format, f->width + 2 * pad, f->height + 2 * pad);
  GstVideoInfo info;
  GstVideoFrame frame;
  GstMapInfo map;
  GstBuffer *b = NULL;
  gboolean ok;

  if (!pool)
    return GST_FLOW_CUSTOM_ERROR;
  ok = gst_buffer_pool_acquire_buffer (pool, &b, NULL) == GST_FLOW_OK;
  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
  gst_video_info_set_format (&info, gst_video_format_from_string (f->format), f->width, f->height);
  if (ok)
    crop (b, info.finfo, f->width, f->height, MAX (pad, 0));
  if (ok && pad >= 0 && (ok = gst_video_frame_map (&frame, &info, b, GST_MAP_WRITE))) {
    copy_rows (&frame, f);
    gst_video_frame_unmap (&frame);
  }
  /* Upload now: it is not to be counted as the element's. */
  ok = ok && gst_buffer_map (b, &map, GST_MAP_READ | GST_MAP_CUDA);
  if (!ok) {
    gst_clear_buffer (&b);
    return GST_FLOW_CUSTOM_ERROR;
  }
  gst_buffer_unmap (b, &map);
  GST_BUFFER_PTS (b) = f->pts;
  GST_BUFFER_DURATION (b) = f->duration;
  return gst_harness_push (h, b);
}

/* Where a buffer lies and whose it is. */
void
hn_gpu_look (GstBuffer * b, HnFrame * f)
{
  GstMemory *memory = gst_buffer_peek_memory (b, 0);

  f->context = gst_is_cuda_memory (memory) ? hn_gpu_handle (((GstCudaMemory *) memory)->context) : 0;
  f->offered = b->pool && g_object_get_data (G_OBJECT (b->pool), "offered");
}

gboolean
hn_gpu_is_pool (const GstBufferPool * pool)
{
  return pool && GST_IS_CUDA_BUFFER_POOL (pool);
}
