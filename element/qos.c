/* Lateness, latency and figures: when frames are dropped, and what the pipeline and the application hear of it. */
#include "_cgo_export.h"

/* Running time of the clock now; GST_CLOCK_TIME_NONE where none runs. Any thread. */
GstClockTime
adain_now (GstAdaInFilter * self)
{
  GstClock *clock = NULL;
  GstClockTime base = 0, now;

  GST_OBJECT_LOCK (self);
  if (GST_STATE (self) == GST_STATE_PLAYING && GST_ELEMENT_CLOCK (self)) {
    clock = gst_object_ref (GST_ELEMENT_CLOCK (self));
    base = GST_ELEMENT_CAST (self)->base_time;
  }
  GST_OBJECT_UNLOCK (self);
  if (!clock)
    return GST_CLOCK_TIME_NONE;
  now = gst_clock_get_time (clock);
  gst_object_unref (clock);
  return now >= base ? now - base : GST_CLOCK_TIME_NONE;
}

/* As the base class does for what it drops itself. */
static void
post_drop (GstAdaInFilter * self, GstBuffer * buffer, const AdaInDrop * drop)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstMessage *message = gst_message_new_qos (GST_OBJECT (self), FALSE, self->frame.time,
      gst_segment_to_stream_time (&GST_BASE_TRANSFORM (self)->segment, GST_FORMAT_TIME, pts), pts, GST_BUFFER_DURATION (buffer));

  gst_message_set_qos_values (message, drop->late, drop->proportion, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, drop->processed, drop->dropped);
  gst_element_post_message (GST_ELEMENT (self), message);
}

/* Before the work. What costs nothing is never dropped. */
static GstFlowReturn
submit_input_buffer (GstBaseTransform * base, gboolean discont, GstBuffer * buffer)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  AdaInDrop drop;

  g_atomic_pointer_set (&self->thread, g_thread_self ());
  if (g_atomic_int_get (&self->late))
    adain_ahead_start (self);
  if (self->refused || adain_untouched (self) || !gst_base_transform_is_qos_enabled (base)
      || !GST_CLOCK_TIME_IS_VALID (self->frame.time) || !goAdaInDrop (self, &self->frame, &drop))
    return adain_parent_class->submit_input_buffer (base, discont, buffer);
  post_drop (self, buffer, &drop);
  gst_buffer_unref (buffer);
  return GST_BASE_TRANSFORM_FLOW_DROPPED;
}

/* Takes a report of a sink and sends upstream what concerns those there. */
static gboolean
hear_report (GstAdaInFilter * self, GstEvent * event)
{
  GstBaseTransform *base = GST_BASE_TRANSFORM (self);
  GstQOSType type;
  GstClockTimeDiff diff, upstream;
  GstClockTime time;
  gdouble proportion;
  gboolean waits = g_atomic_pointer_get (&self->thread) == g_thread_self () && !g_atomic_pointer_get (&self->ahead.thread);
  guint32 seqnum = gst_event_get_seqnum (event);

  gst_event_parse_qos (event, &type, &proportion, &diff, &time);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (self), event);
  if (waits && diff > 0 && type != GST_QOS_TYPE_THROTTLE)
    g_atomic_int_set (&self->late, TRUE);
  upstream = goAdaInReport (self, type == GST_QOS_TYPE_THROTTLE, diff, time, waits);
  if (upstream != diff && gst_base_transform_is_qos_enabled (base)) {
    gst_event_unref (event);
    event = gst_event_new_qos (upstream > 0 ? GST_QOS_TYPE_UNDERFLOW : GST_QOS_TYPE_OVERFLOW, proportion,
        MAX (upstream, -(GstClockTimeDiff) time), time);
    gst_event_set_seqnum (event, seqnum);
  }
  return gst_pad_push_event (GST_BASE_TRANSFORM_SINK_PAD (self), event);
}

/* What comes from downstream, and goes on upstream. The base class would drop by a rule of its own if it saw lateness. Any thread. */
gboolean
adain_hear_events (GstAdaInFilter * self, GstEvent * event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    return hear_report (self, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_LATENCY)
    goAdaInForgetLateness (self, FALSE);
  return adain_parent_class->src_event (GST_BASE_TRANSFORM (self), event);
}

/* Any thread. */
gboolean
adain_answer_latency (GstAdaInFilter * self, GstQuery * query)
{
  gboolean live;
  GstClockTime min, max, own;

  if (!adain_parent_class->query (GST_BASE_TRANSFORM (self), GST_PAD_SRC, query))
    return FALSE;
  gst_query_parse_latency (query, &live, &min, &max);
  own = goAdaInLatency (self, live);
  if (live)
    gst_query_set_latency (query, TRUE, min + own, GST_CLOCK_TIME_IS_VALID (max) ? max + own : max);
  return TRUE;
}

/* Makes the pipeline ask for latencies anew. */
void
adain_post_latency (GstAdaInFilter * self)
{
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

/* The property stats. Any thread. */
GstStructure *
adain_stats (GstAdaInFilter * self)
{
  AdaInStats s = { 0 };

  goAdaInStats (self, &s);
  return gst_structure_new ("adain-stats", "processed", G_TYPE_UINT64, s.processed, "dropped", G_TYPE_UINT64, s.dropped,
      "average-ms", G_TYPE_DOUBLE, s.average, "p95-ms", G_TYPE_DOUBLE, s.p95, "latency", G_TYPE_UINT64, s.latency,
      "processing-size", G_TYPE_INT, s.processing_size, NULL);
}

void
adain_install_qos (GstBaseTransformClass * klass)
{
  klass->submit_input_buffer = submit_input_buffer;
}
