/* The CUDA stream that the engine orders its work on, and that buffers of our pools say so of, in the context that the elements around
 * share: whoever finds the same stream on both sides need not wait, since the GPU does one thing after the other. Since GStreamer 1.24;
 * before, buffers belong to nobody's stream and whoever hands one on has waited. */
#include "libgstcuda.h"
#include "adain.h"

/* A reference to the element's stream in a context, NULL where there is none. Any thread. */
gpointer
adain_stream_ref (GstAdaInFilter * self, GstCudaContext * context)
{
  gpointer stream = NULL, made = NULL;

  if (!context || !adain_cuda ()->stream_new)
    return NULL;
  GST_OBJECT_LOCK (self);
  if (self->stream && self->stream_context == context)
    stream = gst_mini_object_ref (self->stream);
  GST_OBJECT_UNLOCK (self);
  if (stream || !(made = adain_cuda ()->stream_new (context)))
    return stream;
  stream = made;
  GST_OBJECT_LOCK (self);
  if (self->stream && self->stream_context == context) {        /* another thread was faster */
    stream = gst_mini_object_ref (self->stream);
  } else {
    gst_mini_object_ref (stream);
    made = self->stream;
    self->stream = stream;
    self->stream_context = context;
  }
  GST_OBJECT_UNLOCK (self);
  adain_stream_unref (made);
  return stream;
}

/* stream may be NULL. */
void
adain_stream_unref (gpointer stream)
{
  if (stream)
    gst_mini_object_unref (stream);
}

/* The driver's CUstream, 0 for NULL. */
guintptr
adain_stream_handle (gpointer stream)
{
  return stream ? (guintptr) adain_cuda ()->stream_get_handle (stream) : 0;
}

void
adain_stream_release (GstAdaInFilter * self)
{
  gpointer stream;

  GST_OBJECT_LOCK (self);
  stream = self->stream;
  self->stream = NULL;
  self->stream_context = NULL;
  GST_OBJECT_UNLOCK (self);
  adain_stream_unref (stream);
}
