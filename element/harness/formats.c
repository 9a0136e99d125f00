#include "harness.h"

/* FALSE where this GStreamer lacks the format. */
gboolean
hn_format (const char *name, HnFormat * f)
{
  GstVideoFormat format = gst_video_format_from_string (name);
  const GstVideoFormatInfo *info;

  if (format == GST_VIDEO_FORMAT_UNKNOWN)
    return FALSE;
  info = gst_video_format_get_info (format);
  *f = (HnFormat) { info->n_components, info->n_planes, info->bits };
  for (guint i = 0; i < info->n_components; i++) {
    f->depth[i] = info->depth[i];
    f->shift[i] = info->shift[i];
    f->step[i] = info->pixel_stride[i];
    f->plane[i] = info->plane[i];
    f->offset[i] = info->poffset[i];
    f->sub_x[i] = info->w_sub[i];
    f->sub_y[i] = info->h_sub[i];
  }
  f->complex = GST_VIDEO_FORMAT_INFO_IS_COMPLEX (info);
  f->tiled = GST_VIDEO_FORMAT_INFO_IS_TILED (info);
  f->alpha = GST_VIDEO_FORMAT_INFO_HAS_ALPHA (info);
  f->yuv = GST_VIDEO_FORMAT_INFO_IS_YUV (info);
  f->gray = GST_VIDEO_FORMAT_INFO_IS_GRAY (info);
  return TRUE;
}

static gboolean
info_of (const char *text, GstVideoInfo * info)
{
  GstCaps *caps = gst_caps_from_string (text);
  gboolean ok = caps && gst_video_info_from_caps (info, caps);

  gst_clear_caps (&caps);
  return ok;
}

/* How the frames of caps lie in memory without a GstVideoMeta. */
gboolean
hn_layout (const char *caps, gsize * size, gsize * offset, int *stride)
{
  GstVideoInfo info;

  if (!info_of (caps, &info))
    return FALSE;
  *size = info.size;
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (&info); i++) {
    offset[i] = info.offset[i];
    stride[i] = info.stride[i];
  }
  return TRUE;
}

/* What videoconvert makes of a frame, without dithering. */
gboolean
hn_convert (const char *from, const guint8 * in, const char *to, guint8 * out)
{
  GstVideoInfo src, dst;
  GstVideoFrame a, b;
  GstVideoConverter *converter;
  GstBuffer *input, *output;

  if (!info_of (from, &src) || !info_of (to, &dst))
    return FALSE;
  converter = gst_video_converter_new (&src, &dst, gst_structure_new ("options",
          GST_VIDEO_CONVERTER_OPT_DITHER_METHOD, GST_TYPE_VIDEO_DITHER_METHOD, GST_VIDEO_DITHER_NONE, NULL));
  if (!converter)
    return FALSE;
  input = gst_buffer_new_memdup (in, src.size);
  output = gst_buffer_new_allocate (NULL, dst.size, NULL);
  gst_buffer_memset (output, 0, 0, dst.size);
  gst_video_frame_map (&a, &src, input, GST_MAP_READ);
  gst_video_frame_map (&b, &dst, output, GST_MAP_READWRITE);
  gst_video_converter_frame (converter, &a, &b);
  gst_video_frame_unmap (&b);
  gst_video_frame_unmap (&a);
  gst_buffer_extract (output, 0, out, dst.size);
  gst_buffer_unref (output);
  gst_buffer_unref (input);
  gst_video_converter_free (converter);
  return TRUE;
}
