#include "libgstcuda.h"
#include "adain.h"

/* Configures a pool and reads back what a buffer of it takes: rows in GPU memory are longer than the caps say. */
static gboolean
set_config (GstBufferPool * pool, GstStructure * config, guint * size)
{
  if (!gst_buffer_pool_set_config (pool, config))
    return FALSE;
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_get_params (config, NULL, size, NULL, NULL);
  gst_structure_free (config);
  return TRUE;
}

/* Lets buffers be of our stream, unless they are of somebody's already. */
static void
share_stream (GstAdaInFilter * self, GstCaps * caps, GstStructure * config)
{
  gpointer stream, theirs;

  if (!adain_caps_on_gpu (caps) || !(stream = adain_stream_ref (self, self->context)))
    return;
  if ((theirs = adain_cuda ()->config_get_stream (config)))
    adain_stream_unref (theirs);
  else
    adain_cuda ()->config_set_stream (config, stream);
  adain_stream_unref (stream);
}

/* A pool of our own for the caps' kind of memory; *size may grow. */
static GstBufferPool *
new_pool (GstAdaInFilter * self, GstCaps * caps, guint * size, guint min, guint max, gboolean video_meta)
{
  GstBufferPool *pool;
  GstStructure *config;

  if (!adain_caps_on_gpu (caps))
    pool = gst_video_buffer_pool_new ();
  else if (self->context)
    pool = adain_cuda ()->buffer_pool_new (self->context);
  else
    return NULL;
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, *size, min, max);
  if (video_meta)
    gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  share_stream (self, caps, config);
  if (!set_config (pool, config, size))
    gst_clear_object (&pool);
  return pool;
}

static gboolean
propose_allocation (GstBaseTransform * base, GstQuery * decide, GstQuery * query)
{
  GstCaps *caps;
  gboolean need_pool;
  GstVideoInfo info;

  if (!adain_parent_class->propose_allocation (base, decide, query))
    return FALSE;
  if (!decide)                  /* passthrough: downstream has answered */
    return TRUE;
  gst_query_parse_allocation (query, &caps, &need_pool);
  if (!caps || !gst_video_info_from_caps (&info, caps))
    return FALSE;
  if (need_pool && gst_query_get_n_allocation_pools (query) == 0) {
    guint size = info.size;
    GstBufferPool *pool = new_pool (ADAIN_FILTER (base), caps, &size, 0, 0, TRUE);
    if (!pool)
      return FALSE;
    gst_query_add_allocation_pool (query, pool, size, 0, 0);
    gst_object_unref (pool);
  }
  if (!gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

/* Whether the engine can write into buffers of downstream's pool. */
static gboolean
usable (GstAdaInFilter * self, GstBufferPool * pool, const GstCaps * caps)
{
  if (!adain_caps_on_gpu (caps))
    return TRUE;
  return G_TYPE_CHECK_INSTANCE_TYPE (pool, adain_cuda ()->buffer_pool_get_type ())
      && ((GstCudaBufferPool *) pool)->context == self->context;
}

/* Puts downstream's pool into use with what else it was configured for (alignment), or gives FALSE. */
static gboolean
configure_pool (GstAdaInFilter * self, GstBufferPool * pool, GstCaps * caps, guint * size, guint min, guint max, gboolean video_meta)
{
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, *size, min, max);
  if (video_meta && gst_buffer_pool_has_option (pool, GST_BUFFER_POOL_OPTION_VIDEO_META))
    gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  share_stream (self, caps, config);
  if (set_config (pool, config, size))
    return TRUE;
  config = gst_buffer_pool_get_config (pool);
  if (gst_buffer_pool_config_validate_params (config, caps, *size, min, max))
    return set_config (pool, config, size);
  gst_structure_free (config);
  return FALSE;
}

static gboolean
no_memory (GstAdaInFilter * self, const GstVideoInfo * info)
{
  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, ("There is no%s memory for a frame of %dx%d pixels in %s, at least %"
          G_GSIZE_FORMAT " bytes.", self->gpu_memory ? " GPU" : "", info->width, info->height, GST_VIDEO_INFO_NAME (info),
          info->size), ("%" GST_PTR_FORMAT, self->context));
  return FALSE;
}

static gboolean
decide_allocation (GstBaseTransform * base, GstQuery * query)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  GstCaps *caps;
  GstVideoInfo info;
  GstBufferPool *pool = NULL;
  guint size, min = 0, max = 0;
  gboolean offered = gst_query_get_n_allocation_pools (query) > 0;

  gst_query_parse_allocation (query, &caps, NULL);
  if (!caps || !gst_video_info_from_caps (&info, caps))
    return FALSE;
  self->downstream_takes_meta = gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  size = info.size;
  if (offered) {
    gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
    size = MAX (size, info.size);
  }
  if (pool && !(usable (self, pool, caps) && configure_pool (self, pool, caps, &size, min, max, self->downstream_takes_meta)))
    gst_clear_object (&pool);
  if (!pool)
    pool = new_pool (self, caps, &size, min, max, self->downstream_takes_meta);
  if (!pool)
    return no_memory (self, &info);
  if (offered)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool (query, pool, size, min, max);
  gst_object_unref (pool);
  return adain_parent_class->decide_allocation (base, query);
}

/* Starts the pool, which allocates its first buffers then. The base class would do so, but say of a failure only that there was one. */
static gboolean
start_pool (GstBaseTransform * base)
{
  GstBufferPool *pool = gst_base_transform_get_buffer_pool (base);
  gboolean started = !pool || gst_buffer_pool_is_active (pool) || gst_buffer_pool_set_active (pool, TRUE);

  gst_clear_object (&pool);
  return started;
}

/* The base class says nothing where a pool cannot give a buffer. */
static GstFlowReturn
prepare_output_buffer (GstBaseTransform * base, GstBuffer * in, GstBuffer ** out)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  GstFlowReturn flow = GST_FLOW_ERROR;

  if (gst_base_transform_is_passthrough (base) || start_pool (base))
    flow = adain_parent_class->prepare_output_buffer (base, in, out);
  if (flow == GST_FLOW_ERROR)
    no_memory (self, &self->info);
  return flow;
}

void
adain_install_pools (GstBaseTransformClass * klass)
{
  klass->propose_allocation = propose_allocation;
  klass->decide_allocation = decide_allocation;
  klass->prepare_output_buffer = prepare_output_buffer;
}
