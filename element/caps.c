#include "libgstcuda.h"
#include "_cgo_export.h"

gboolean
adain_caps_on_gpu (const GstCaps * caps)
{
  GstCapsFeatures *features = gst_caps_get_features (caps, 0);

  return features && gst_caps_features_contains (features, GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY);
}

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
    case GST_VIDEO_COLOR_MATRIX_RGB:
      return GST_VIDEO_INFO_IS_YUV (info) ? 5 : 0;
    default:
      return 0;
  }
}

static AdaInColour
colour (const GstVideoInfo * info, const GstCaps * caps)
{
  GstVideoContentLightLevel light;
  GstVideoMasteringDisplayInfo display;
  AdaInColour c = { 0 };

  if (info->colorimetry.transfer == GST_VIDEO_TRANSFER_SMPTE2084)
    c.transfer = 1;
  else if (info->colorimetry.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67)
    c.transfer = 2;
  switch (info->colorimetry.primaries) {
    case GST_VIDEO_COLOR_PRIMARIES_SMPTERP431:
    case GST_VIDEO_COLOR_PRIMARIES_SMPTEEG432:
      c.primaries = 1;
      break;
    case GST_VIDEO_COLOR_PRIMARIES_BT709:
      c.primaries = 2;
      break;
    default:
      break;
  }
  if (gst_video_content_light_level_from_caps (&light, caps))
    c.max_cll = light.max_content_light_level;
  if (gst_video_mastering_display_info_from_caps (&display, caps))
    c.display = display.max_display_mastering_luminance / 10000.0;
  return c;
}

/* The kernels on a GPU know fewer formats. */
static GstCaps *
transform_caps (GstBaseTransform * base, GstPadDirection direction, GstCaps * caps, GstCaps * filter)
{
  GstCaps *all = adain_parent_class->transform_caps (base, direction, caps, filter);

  if (all && ADAIN_FILTER (base)->gpu_engine) {
    GstCaps *some = gst_caps_intersect_full (all, adain_gpu_caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (all);
    all = some;
  }
  return all;
}

/* Frames in GPU memory need a context, if only for the pool, whatever computes. */
static gboolean
prepare_memory (GstAdaInFilter * self, GstCaps * caps)
{
  self->gpu_memory = adain_caps_on_gpu (caps);
  if (!self->gpu_memory)
    return TRUE;
  if (!adain_context_ensure (self)) {
    GST_ELEMENT_ERROR (self, LIBRARY, INIT, ("Frames in GPU memory cannot be taken: there is no CUDA context."),
        ("%" GST_PTR_FORMAT "; GST_DEBUG=cuda*:5 says more", caps));
    return FALSE;
  }
  if (!self->gpu_engine)
    GST_WARNING_OBJECT (self, "the engine works on the CPU: each frame is copied from the GPU and back");
  return TRUE;
}

static gboolean
set_caps (GstBaseTransform * base, GstCaps * in, GstCaps * out)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  AdaInError e = { 0 };
  GstVideoInfo *info = &self->info;
  AdaInColour c;

  if (!gst_video_info_from_caps (info, in)) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION, ("The video format is not complete."), ("caps %" GST_PTR_FORMAT, in));
    return FALSE;
  }
  adain_ahead_drain (self);
  self->frame.discontinuity = TRUE;
  if (!prepare_memory (self, in))
    return FALSE;
  c = colour (info, in);
  if (goAdaInCaps (self, (char *) GST_VIDEO_INFO_NAME (info), info->width, info->height, matrix (info), info->colorimetry.range,
          info->chroma_site, &c, &e))
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
  klass->transform_caps = transform_caps;
  klass->set_caps = set_caps;
  klass->get_unit_size = get_unit_size;
  klass->transform_size = transform_size;
  klass->filter_meta = filter_meta;
  klass->transform_meta = transform_meta;
}
