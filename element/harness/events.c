#include "harness.h"
#include <gst/video/navigation.h>

/* Downstream says how much too late a frame of this running time came, or for how long it wants no other. */
void
hn_report (GstHarness * h, gint64 diff, guint64 running_time, gboolean throttle)
{
  GstQOSType type = diff > 0 ? GST_QOS_TYPE_UNDERFLOW : GST_QOS_TYPE_OVERFLOW;

  gst_harness_push_upstream_event (h, gst_event_new_qos (throttle ? GST_QOS_TYPE_THROTTLE : type, 1.0, diff, running_time));
}

/* The lateness that the newest QoS event says which came out upstream; all that came are taken. */
gint64
hn_told (GstHarness * h)
{
  GstEvent *event;
  GstClockTimeDiff diff = 0;

  while ((event = gst_harness_try_pull_upstream_event (h))) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
      gst_event_parse_qos (event, NULL, NULL, &diff, NULL);
    gst_event_unref (event);
  }
  return diff;
}

/* Gives the element a clock that stands still until it is advanced. */
void
hn_clock (GstHarness * h)
{
  gst_harness_use_testclock (h);
}

void
hn_advance (GstHarness * h, guint64 ns)
{
  GstTestClock *clock = gst_harness_get_testclock (h);

  gst_test_clock_advance_time (clock, ns);
  gst_object_unref (clock);
}

guint64
hn_time (GstHarness * h)
{
  GstTestClock *clock = gst_harness_get_testclock (h);
  GstClockTime now = gst_clock_get_time (GST_CLOCK (clock));

  gst_object_unref (clock);
  return now;
}

/* The latency up to the element's end, behind a live source of some, and tells the element of it as a pipeline does. */
guint64
hn_latency (GstHarness * h, guint64 upstream)
{
  GstClockTime latency;

  gst_harness_set_upstream_latency (h, upstream);
  latency = gst_harness_query_latency (h);
  gst_harness_push_upstream_event (h, gst_event_new_latency (latency));
  return latency;
}

/* Waits until all frames have come out, by an event that follows them. */
void
hn_drain (GstHarness * h)
{
  gst_harness_push_event (h, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("drain")));
}

void
hn_flush (GstHarness * h)
{
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  hn_segment (h);
}

/* A window sends that a key went down, then up. TRUE where the press came out upstream. */
gboolean
hn_key (GstHarness * h, const char *key)
{
  GstEvent *event;
  gboolean press = FALSE;

  gst_harness_push_upstream_event (h, gst_event_new_navigation (gst_structure_new ("application/x-gst-navigation",
              "event", G_TYPE_STRING, "key-press", "key", G_TYPE_STRING, key, NULL)));
  gst_harness_push_upstream_event (h, gst_event_new_navigation (gst_structure_new ("application/x-gst-navigation",
              "event", G_TYPE_STRING, "key-release", "key", G_TYPE_STRING, key, NULL)));
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    press |= GST_EVENT_TYPE (event) == GST_EVENT_NAVIGATION
        && gst_navigation_event_get_type (event) == GST_NAVIGATION_EVENT_KEY_PRESS;
    gst_event_unref (event);
  }
  return press;
}

static void
count (GObject * object, GParamSpec * spec, gpointer n)
{
  g_atomic_int_inc ((gint *) n);
}

/* Counts the notifications of a property from now on; the number belongs to the element. */
const gint *
hn_notified (GstElement * element, const char *property)
{
  gchar *signal = g_strconcat ("notify::", property, NULL);
  gint *n = g_new0 (gint, 1);

  g_signal_connect_data (element, signal, G_CALLBACK (count), n, (GClosureNotify) (void (*)(void)) g_free, 0);
  g_free (signal);
  return n;
}

typedef struct {
  gchar *property, *value;
} Half;

static void
free_half (gpointer data, GClosure * closure)
{
  Half *half = data;

  g_free (half->property);
  g_free (half->value);
  g_free (half);
}

static void
set_half (GObject * object, GParamSpec * spec, gpointer data)
{
  const Half *half = data;

  g_object_freeze_notify (object);
  hn_set (GST_ELEMENT (object), half->property, half->value);
  g_signal_handlers_disconnect_by_func (object, set_half, data);
}

/* In the middle of the next notification of when begins a set of several properties, with this one; g_object_thaw_notify ends it. */
void
hn_set_half (GstElement * element, const char *when, const char *property, const char *value)
{
  gchar *signal = g_strconcat ("notify::", when, NULL);
  Half *half = g_new (Half, 1);

  *half = (Half) { g_strdup (property), g_strdup (value) };
  g_signal_connect_data (element, signal, G_CALLBACK (set_half), half, free_half, 0);
  g_free (signal);
}

void
hn_segment (GstHarness * h)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
}

/* TRUE where the element has taken the caps. */
gboolean
hn_caps (GstHarness * h, const char *text)
{
  GstCaps *caps = gst_caps_from_string (text), *current;
  GstPad *pad = gst_pad_get_peer (h->srcpad);
  gboolean ok;

  /* What the push returns says nothing: a pad keeps a caps event to try it again. */
  gst_harness_push_event (h, gst_event_new_caps (caps));
  current = gst_pad_get_current_caps (pad);
  ok = current && gst_caps_is_equal (current, caps);
  gst_clear_caps (&current);
  gst_object_unref (pad);
  gst_caps_unref (caps);
  return ok;
}

/* What the element proposes upstream: 1 a pool, 2 GstVideoMeta, 4 GstVideoCropMeta, 8 that the pool is of GPU memory, added up. */
int
hn_proposes (GstHarness * h, const char *text)
{
  GstCaps *caps = gst_caps_from_string (text);
  GstQuery *query = gst_query_new_allocation (caps, TRUE);
  int found = 0;

  if (gst_pad_peer_query (h->srcpad, query)) {
    if (gst_query_get_n_allocation_pools (query) > 0) {
      GstBufferPool *pool;
      gst_query_parse_nth_allocation_pool (query, 0, &pool, NULL, NULL, NULL);
      found |= hn_gpu_is_pool (pool) ? 9 : 1;
      gst_object_unref (pool);
    }
    found |= gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL) ? 2 : 0;
    found |= gst_query_find_allocation_meta (query, GST_VIDEO_CROP_META_API_TYPE, NULL) ? 4 : 0;
  }
  gst_query_unref (query);
  gst_caps_unref (caps);
  return found;
}

/* The caps of what has come out. */
char *
hn_out (GstHarness * h)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad);
  char *text = caps ? gst_caps_to_string (caps) : g_strdup ("");

  gst_clear_caps (&caps);
  return text;
}

/* What caps the element takes while downstream takes these. */
char *
hn_takes (GstHarness * h, const char *downstream)
{
  GstCaps *caps;
  char *text;

  gst_harness_set_sink_caps_str (h, downstream);
  caps = gst_pad_peer_query_caps (h->srcpad, NULL);
  text = gst_caps_to_string (caps);
  gst_caps_unref (caps);
  return text;
}

gboolean
hn_accepts (GstHarness * h, const char *text)
{
  GstCaps *caps = gst_caps_from_string (text);
  gboolean ok = gst_pad_peer_query_accept_caps (h->srcpad, caps);

  gst_caps_unref (caps);
  return ok;
}
