/* Keys of a video window: up and down change alpha, left and right the style. */
#include "_cgo_export.h"
#include <gst/video/navigation.h>
#include <math.h>
#include <stdlib.h>

#define ALPHA_STEP 0.05

/* Rounded, so that steps end at 0 and 1 exactly. */
static void
step_alpha (GstAdaInFilter * self, gdouble step)
{
  gdouble alpha;

  GST_OBJECT_LOCK (self);
  alpha = self->settings.alpha;
  GST_OBJECT_UNLOCK (self);
  alpha = CLAMP (round ((alpha + step) * 1e6) / 1e6, 0.0, 1.0);
  g_object_set (self, "alpha", alpha, NULL);
}

/* One style has no weights. */
static void
step_style (GstAdaInFilter * self, int step)
{
  char *style = goAdaInNextStyle (self, step);
  GValue none = G_VALUE_INIT;

  if (!style)
    return;
  g_value_init (&none, GST_TYPE_ARRAY);
  g_object_freeze_notify (G_OBJECT (self));
  g_object_set (self, "style", style, NULL);
  g_object_set_property (G_OBJECT (self), "style-weights", &none);
  g_object_thaw_notify (G_OBJECT (self));
  g_value_unset (&none);
  free (style);
}

static void
press (GstAdaInFilter * self, const gchar * key)
{
  if (g_strcmp0 (key, "Up") == 0)
    step_alpha (self, ALPHA_STEP);
  else if (g_strcmp0 (key, "Down") == 0)
    step_alpha (self, -ALPHA_STEP);
  else if (g_strcmp0 (key, "Right") == 0)
    step_style (self, 1);
  else if (g_strcmp0 (key, "Left") == 0)
    step_style (self, -1);
}

/* The thread that downstream sends from, often that of a window. The event goes on: others may listen to the same keys. */
static gboolean
src_event (GstBaseTransform * base, GstEvent * event)
{
  GstAdaInFilter *self = ADAIN_FILTER (base);
  const gchar *key;
  gboolean wanted;

  GST_OBJECT_LOCK (self);
  wanted = self->settings.navigation;
  GST_OBJECT_UNLOCK (self);
  if (wanted && GST_EVENT_TYPE (event) == GST_EVENT_NAVIGATION
      && gst_navigation_event_get_type (event) == GST_NAVIGATION_EVENT_KEY_PRESS
      && gst_navigation_event_parse_key_event (event, &key))
    press (self, key);
  return adain_hear_events (self, event);
}

void
adain_install_navigation (GstBaseTransformClass * klass)
{
  klass->src_event = src_event;
}
