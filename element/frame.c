#include "libgstcuda.h"
#include "_cgo_export.h"

/* Whether the samples lie where the caps alone say, so that downstream needs no GstVideoMeta to find them. */
static gboolean
plain_layout (const GstVideoInfo * info, GstBuffer * buffer)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  if (!meta)
    return TRUE;
  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++)
    if (meta->offset[i] != info->offset[i] || meta->stride[i] != info->stride[i])
      return FALSE;
  return TRUE;
}

/* Whether a frame goes on as it is: at alpha 0, unless look-up tables of files change it even then. */
gboolean
adain_untouched (GstAdaInFilter * self)
{
  return self->frame.alpha == 0.0f && !self->tables;
}

/* How long a frame is to be seen, 0 where unknown. */
static GstClockTime
period (const GstVideoInfo * info, GstBuffer * buffer)
{
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_BUFFER_DURATION (buffer);
  return info->fps_n > 0 ? gst_util_uint64_scale (GST_SECOND, info->fps_d, info->fps_n) : 0;
}

/* A frame that the engine does not see, as at alpha 0, also breaks the line of those that it has seen. */
static void
take_settings (GstAdaInFilter * self, GstBuffer * buffer)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  AdaInFrame *frame = &self->frame;

  frame->time = GST_CLOCK_TIME_NONE;
  if (segment->format == GST_FORMAT_TIME)
    frame->time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  frame->period = period (&self->info, buffer);
  GST_OBJECT_LOCK (self);
  frame->alpha = (gfloat) self->settings.alpha; /* what the engine will see, so that both mean the same by 0 */
  frame->smoothing = self->settings.smoothing;
  frame->preserve_color = self->settings.preserve_color;
  frame->motion = self->settings.motion;
  GST_OBJECT_UNLOCK (self);
  if (adain_untouched (self) || GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT))
    frame->discontinuity = TRUE;
}

/* Before the base class looks at anything, so that passthrough and a pending renegotiation already hold for this frame.
 * Only here, on the streaming thread, passthrough changes: the base class asks for it twice in one frame. */
static void
before_transform (GstBaseTransform * base, GstBuffer * buffer)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  GstClockTime time = gst_segment_to_stream_time (&base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  gboolean passthrough;

  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (self), time);
  take_settings (self, buffer);

  /* Who takes frames in GPU memory reads GstVideoMeta: their rows never are as the caps say. */
  passthrough = adain_untouched (self)
      && (self->gpu_memory || self->downstream_takes_meta || plain_layout (&self->info, buffer));
  self->refused = !passthrough && self->gpu_memory && !adain_context_follow (self, buffer);
  if (passthrough == gst_base_transform_is_passthrough (base))
    return;
  GST_DEBUG_OBJECT (self, "passthrough %d", passthrough);
  gst_base_transform_set_passthrough (base, passthrough);
  gst_base_transform_reconfigure_src (base);
}

/* Whether the engine takes the buffer where it lies. Otherwise GStreamer copies it to and from system memory. */
static gboolean
in_reach (GstAdaInFilter * self, GstBuffer * buffer)
{
  return self->gpu_memory && self->gpu_engine && gst_buffer_n_memory (buffer) == 1
      && adain_cuda ()->is_cuda_memory (gst_buffer_peek_memory (buffer, 0));
}

/* Maps a buffer; FALSE where its own description contradicts the caps, where it is too small or cannot be mapped. */
static gboolean
map_frame (GstAdaInFilter * self, GstBuffer * buffer, GstMapFlags flags, GstVideoFrame * frame)
{
  const GstVideoInfo *info = &self->info;
  GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  if (meta && (meta->format != GST_VIDEO_INFO_FORMAT (info) || meta->n_planes != GST_VIDEO_INFO_N_PLANES (info)
          || meta->width < (guint) info->width || meta->height < (guint) info->height))
    return FALSE;
  if (in_reach (self, buffer))
    flags |= GST_MAP_CUDA;
  return gst_video_frame_map (frame, info, buffer, flags | GST_VIDEO_FRAME_MAP_FLAG_NO_REF);
}

/* How many bytes each plane has is counted from the mapped memory, because a GstVideoMeta may promise more than there is.
 * FALSE where a plane begins outside of it. */
static gboolean
describe (GstVideoFrame * frame, AdaInPlane * planes)
{
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (frame); i++) {
    const GstMapInfo *map = &frame->map[frame->meta ? i : 0];
    guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, i);

    if (data < map->data || data > map->data + map->size)
      return FALSE;
    planes[i] = (AdaInPlane) { data, map->data + map->size - data, GST_VIDEO_FRAME_PLANE_STRIDE (frame, i),
      (map->flags & GST_MAP_CUDA) != 0
    };
  }
  return TRUE;
}

/* The stream on which others order what they do with a mapped buffer, 0 for none. */
static guintptr
stream_of (GstAdaInFilter * self, GstBuffer * buffer)
{
  gpointer stream = NULL;

  if (in_reach (self, buffer) && adain_cuda ()->memory_get_stream)
    stream = adain_cuda ()->memory_get_stream ((GstCudaMemory *) gst_buffer_peek_memory (buffer, 0));
  return adain_stream_handle (stream);
}

/* Waits until the GPU is through with what others have ordered for a mapped buffer: for one to be read, since mapping may itself order a
 * copy, and for one to be written, since who has read it before, or took its memory, need not have waited. */
static void
settle (GstAdaInFilter * self, GstBuffer * buffer)
{
  if (in_reach (self, buffer) && adain_cuda ()->memory_sync)
    adain_cuda ()->memory_sync ((GstCudaMemory *) gst_buffer_peek_memory (buffer, 0));
}

/* Nobody waits where both buffers are of a stream and the frame need not be done at once: the GPU has the order. */
static void
order (GstAdaInFilter * self, GstBuffer * in, GstBuffer * out)
{
  AdaInFrame *frame = &self->frame;

  frame->src_stream = stream_of (self, in);
  frame->dst_stream = stream_of (self, out);
  if (frame->src_stream && frame->dst_stream && goAdaInGoesAhead (self))
    return;
  frame->src_stream = frame->dst_stream = 0;
  settle (self, in);
  settle (self, out);
}

static GstFlowReturn
stylize (GstAdaInFilter * self, GstVideoFrame * src, GstVideoFrame * dst)
{
  AdaInError e = { 0 };

  if (!describe (src, self->frame.src) || !describe (dst, self->frame.dst)) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED, ("The planes of a video frame lie outside of its buffer."), (NULL));
    return GST_FLOW_ERROR;
  }
  self->frame.interlaced = GST_VIDEO_FRAME_IS_INTERLACED (src);
  if (goAdaInFrame (self, &self->frame, &e)) {
    self->frame.discontinuity = adain_untouched (self);
    return GST_FLOW_OK;
  }
  adain_post_error (self, &e);
  return GST_FLOW_ERROR;
}

static GstFlowReturn
refuse (GstAdaInFilter * self, const gchar * whose, GstBuffer * buffer)
{
  GST_ELEMENT_ERROR (self, STREAM, FAILED, ("A video frame cannot be used: %s buffer of %" G_GSIZE_FORMAT
          " bytes is not laid out as the caps say or cannot be mapped, wanted %" G_GSIZE_FORMAT " bytes in %s memory.", whose,
          gst_buffer_get_size (buffer), self->info.size, self->gpu_memory ? "GPU" : "system"), ("%" GST_PTR_FORMAT, buffer));
  return GST_FLOW_ERROR;
}

static GstFlowReturn
transform (GstBaseTransform * base, GstBuffer * in, GstBuffer * out)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  GstVideoFrame src, dst;
  GstFlowReturn flow;

  if (self->refused)
    return GST_FLOW_ERROR;
  if (!map_frame (self, in, GST_MAP_READ, &src))
    return refuse (self, "upstream's", in);
  if (!map_frame (self, out, GST_MAP_WRITE, &dst)) {
    gst_video_frame_unmap (&src);
    return refuse (self, "downstream's", out);
  }
  order (self, in, out);
  flow = stylize (self, &src, &dst);
  gst_video_frame_unmap (&dst);
  gst_video_frame_unmap (&src);
  return flow;
}

/* Streaming thread, but for the beginning of a flush. A seek always brings a new segment. */
static gboolean
sink_event (GstBaseTransform * base, GstEvent * event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START || GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    adain_ahead_flush (ADAIN_FILTER (base), GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START);
  else if (GST_EVENT_IS_SERIALIZED (event))
    adain_ahead_drain (ADAIN_FILTER (base));
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT || GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP) {
    ADAIN_FILTER (base)->frame.discontinuity = TRUE;
    goAdaInForgetLateness (ADAIN_FILTER (base), TRUE);
  }
  return adain_parent_class->sink_event (base, event);
}

void
adain_install_frames (GstBaseTransformClass * klass)
{
  klass->passthrough_on_same_caps = FALSE;
  klass->sink_event = sink_event;
  klass->before_transform = before_transform;
  klass->transform = transform;
}
