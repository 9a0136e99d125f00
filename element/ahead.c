/* A thread that hands frames to the sink, so that the next one is computed while those that are done wait for their time. It exists from
 * the first frame that came too late to the end of the stream: in time, frames are handed on by the thread that computes them. A probe of
 * the source pad takes from that thread what the base class pushes. Events and queries that must not overtake frames wait until all of them have gone. */
#include "_cgo_export.h"

/* The thread. */
static gpointer
hand_on (gpointer data)
{
  GstAdaInFilter *self = data;
  AdaInAhead *a = &self->ahead;

  g_mutex_lock (&a->lock);
  while (!a->stopped) {
    GstBuffer *buffer = a->waiting[0];
    GstFlowReturn flow;

    if (!buffer) {
      g_cond_wait (&a->changed, &a->lock);
      continue;
    }
    a->waiting[0] = a->waiting[1];
    a->waiting[1] = NULL;
    a->pushing = TRUE;
    g_cond_broadcast (&a->changed);
    g_mutex_unlock (&a->lock);
    flow = gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
    g_mutex_lock (&a->lock);
    a->pushing = FALSE;
    if (flow != GST_FLOW_OK) {
      a->flow = flow;
      gst_clear_buffer (&a->waiting[0]);
      gst_clear_buffer (&a->waiting[1]);
    }
    g_cond_broadcast (&a->changed);
  }
  g_mutex_unlock (&a->lock);
  return NULL;
}

/* Takes a buffer, as soon as there is room for it. What downstream said of one before it is the answer for this one. */
static GstFlowReturn
take (AdaInAhead * a, GstBuffer * buffer)
{
  GstFlowReturn flow;

  g_mutex_lock (&a->lock);
  while (a->waiting[1] && a->flow == GST_FLOW_OK && !a->flushing)
    g_cond_wait (&a->changed, &a->lock);
  flow = a->flushing ? GST_FLOW_FLUSHING : a->flow;
  if (flow == GST_FLOW_OK)
    a->waiting[a->waiting[0] ? 1 : 0] = buffer;
  else
    gst_buffer_unref (buffer);
  g_cond_broadcast (&a->changed);
  g_mutex_unlock (&a->lock);
  return flow;
}

/* Waits until all frames have gone. Streaming thread, before an event is given to the source pad: pads keep events of a kind and would send
 * them, or refuse frames behind an end, as soon as they know of them. */
void
adain_ahead_drain (GstAdaInFilter * self)
{
  AdaInAhead *a = &self->ahead;

  g_mutex_lock (&a->lock);
  while ((a->waiting[0] || a->pushing) && !a->flushing)
    g_cond_wait (&a->changed, &a->lock);
  g_mutex_unlock (&a->lock);
}

static GstPadProbeReturn
divert (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  GstAdaInFilter *self = data;
  GThread *thread = g_atomic_pointer_get (&self->ahead.thread);

  if (!thread || thread == g_thread_self ())
    return GST_PAD_PROBE_OK;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    GST_PAD_PROBE_INFO_FLOW_RETURN (info) = take (&self->ahead, GST_PAD_PROBE_INFO_BUFFER (info));
    return GST_PAD_PROBE_HANDLED;
  }
  if (GST_QUERY_IS_SERIALIZED (GST_PAD_PROBE_INFO_QUERY (info)))
    adain_ahead_drain (self);
  return GST_PAD_PROBE_OK;
}

/* When the element is made: the probe comes before those of others, who see each frame once. */
void
adain_ahead_init (GstAdaInFilter * self)
{
  g_mutex_init (&self->ahead.lock);
  g_cond_init (&self->ahead.changed);
  gst_pad_add_probe (GST_BASE_TRANSFORM_SRC_PAD (self),
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, divert, self, NULL);
}

void
adain_ahead_clear (GstAdaInFilter * self)
{
  g_mutex_clear (&self->ahead.lock);
  g_cond_clear (&self->ahead.changed);
}

/* Streaming thread, between frames. Without a thread, where the system gives none, frames go on as before. */
void
adain_ahead_start (GstAdaInFilter * self)
{
  AdaInAhead *a = &self->ahead;

  if (a->thread)
    return;
  a->stopped = a->flushing = FALSE;
  a->flow = GST_FLOW_OK;
  g_atomic_pointer_set (&a->thread, g_thread_try_new ("adainfilter-out", hand_on, self, NULL));
}

/* When no frame comes any more. */
void
adain_ahead_stop (GstAdaInFilter * self)
{
  AdaInAhead *a = &self->ahead;

  if (!a->thread)
    return;
  g_mutex_lock (&a->lock);
  a->stopped = TRUE;
  g_cond_broadcast (&a->changed);
  g_mutex_unlock (&a->lock);
  g_thread_join (a->thread);
  g_atomic_pointer_set (&a->thread, NULL);
  gst_clear_buffer (&a->waiting[0]);
  gst_clear_buffer (&a->waiting[1]);
}

/* A flush throws away what waits. It begins by any thread, before downstream hears of it, and ends by the streaming thread, when the frame
 * that was on its way has come back. */
void
adain_ahead_flush (GstAdaInFilter * self, gboolean begins)
{
  AdaInAhead *a = &self->ahead;

  g_mutex_lock (&a->lock);
  if (begins) {
    gst_clear_buffer (&a->waiting[0]);
    gst_clear_buffer (&a->waiting[1]);
  } else {
    while (a->pushing)
      g_cond_wait (&a->changed, &a->lock);
    a->flow = GST_FLOW_OK;
  }
  a->flushing = begins;
  g_cond_broadcast (&a->changed);
  g_mutex_unlock (&a->lock);
}
