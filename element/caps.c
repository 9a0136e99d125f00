#include "_cgo_export.h"

/* The engine's name of a matrix: the values of model.Matrix. */
static gint
matrix (const GstVideoInfo * info)
{
  switch (info->colorimetry.matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709:
      return 1;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return 2;
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:
      return 3;
    case GST_VIDEO_COLOR_MATRIX_FCC:
      return 4;
    default:
      return 0;
  }
}

static gboolean
set_caps (GstBaseTransform * base, GstCaps * in, GstCaps * out)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  AdaInError e = { 0 };
  GstVideoInfo *info = &self->info;

  if (!gst_video_info_from_caps (info, in)) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION, ("The video format is not complete."), ("caps %" GST_PTR_FORMAT, in));
    return FALSE;
  }
  if (goAdaInCaps (self, (char *) GST_VIDEO_INFO_NAME (info), info->width, info->height, matrix (info),
          info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255, &e))
    return TRUE;
  adain_post_error (self, &e);
  return FALSE;
}

static gboolean
get_unit_size (GstBaseTransform * base, GstCaps * caps, gsize * size)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps))
    return FALSE;
  *size = info.size;
  return TRUE;
}

/* Without this a padded input buffer would have no output size when there is no pool. */
static gboolean
transform_size (GstBaseTransform * base, GstPadDirection direction, GstCaps * caps, gsize size, GstCaps * other,
    gsize * other_size)
{
  return get_unit_size (base, other, other_size);
}

static GstBufferPool *
new_pool (GstCaps * caps, guint size, guint min, guint max, gboolean video_meta)
{
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, size, min, max);
  if (video_meta)
    gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (!gst_buffer_pool_set_config (pool, config))
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
    GstBufferPool *pool = new_pool (caps, info.size, 0, 0, TRUE);
    if (!pool)
      return FALSE;
    gst_query_add_allocation_pool (query, pool, info.size, 0, 0);
    gst_object_unref (pool);
  }
  if (!gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL))
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

/* Puts downstream's pool into use with what else it was configured for (alignment), or gives FALSE. */
static gboolean
configure_pool (GstBufferPool * pool, GstCaps * caps, guint size, guint min, guint max, gboolean video_meta)
{
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, size, min, max);
  if (video_meta && gst_buffer_pool_has_option (pool, GST_BUFFER_POOL_OPTION_VIDEO_META))
    gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  if (gst_buffer_pool_set_config (pool, config))
    return TRUE;
  config = gst_buffer_pool_get_config (pool);
  if (gst_buffer_pool_config_validate_params (config, caps, size, min, max))
    return gst_buffer_pool_set_config (pool, config);
  gst_structure_free (config);
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
  if (pool && !configure_pool (pool, caps, size, min, max, self->downstream_takes_meta))
    gst_clear_object (&pool);
  if (!pool)
    pool = new_pool (caps, size, min, max, self->downstream_takes_meta);
  if (!pool)
    return FALSE;
  if (offered)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool (query, pool, size, min, max);
  gst_object_unref (pool);
  return adain_parent_class->decide_allocation (base, query);
}

/* Crop is refused: what lies outside the crop would take part in the statistics. */
static gboolean
filter_meta (GstBaseTransform * base, GstQuery * query, GType api, const GstStructure * params)
{
  return api != GST_VIDEO_CROP_META_API_TYPE;
}

/* Size, orientation and format stay, so every meta that does not describe memory stays true; those never come here. */
static gboolean
transform_meta (GstBaseTransform * base, GstBuffer * out, GstMeta * meta, GstBuffer * in)
{
  return TRUE;
}

void
adain_install_negotiation (GstBaseTransformClass * klass)
{
  klass->set_caps = set_caps;
  klass->get_unit_size = get_unit_size;
  klass->transform_size = transform_size;
  klass->propose_allocation = propose_allocation;
  klass->decide_allocation = decide_allocation;
  klass->filter_meta = filter_meta;
  klass->transform_meta = transform_meta;
}
