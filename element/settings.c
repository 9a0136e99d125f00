/* The properties as the application wants them, and as the worker is to see them. */
#include "adain.h"

void
adain_settings_init (AdaInSettings * s, const char *style)
{
  s->style = g_strdup (style);
  s->alpha = 1.0;
  s->smoothing = DEFAULT_SMOOTHING;
  s->motion = DEFAULT_MOTION;
  s->style_size = 512;
  s->device_id = -1;
}

static void
copy_settings (AdaInSettings * to, const AdaInSettings * from)
{
  *to = *from;
  to->weights = g_strdup (from->weights);
  to->style = g_strdup (from->style);
  to->mask = g_strdup (from->mask);
  to->lut = g_strdup (from->lut);
  to->output_lut = g_strdup (from->output_lut);
  to->style_weights = g_memdup2 (from->style_weights, from->n_style_weights * sizeof *from->style_weights);
  adain_statistics_copy (&to->statistics, &from->statistics);
}

/* Any thread. The copy is cleared with adain_settings_clear. */
void
adain_settings_copy (GstAdaInFilter * self, AdaInSettings * copy)
{
  GST_OBJECT_LOCK (self);
  copy_settings (copy, &self->settings);
  GST_OBJECT_UNLOCK (self);
}

/* As adain_settings_copy, as they were when a change of the style was last announced: all of a set of several properties or none. */
void
adain_settings_copy_announced (GstAdaInFilter * self, AdaInSettings * copy)
{
  GST_OBJECT_LOCK (self);
  copy_settings (copy, &self->announced);
  GST_OBJECT_UNLOCK (self);
}

void
adain_settings_clear (AdaInSettings * s)
{
  g_free (s->weights);
  g_free (s->style);
  g_free (s->mask);
  g_free (s->lut);
  g_free (s->output_lut);
  g_free (s->style_weights);
  adain_statistics_clear (&s->statistics);
  *s = (AdaInSettings) { 0 };
}

/* Lets the worker see the settings as they are now. FALSE where it has seen their style already. Any thread. */
gboolean
adain_settings_announce (GstAdaInFilter * self)
{
  AdaInSettings old = { 0 };
  gboolean changed;

  GST_OBJECT_LOCK (self);
  changed = self->announced.style_serial != self->settings.style_serial;
  if (changed) {
    old = self->announced;
    copy_settings (&self->announced, &self->settings);
  }
  GST_OBJECT_UNLOCK (self);
  adain_settings_clear (&old);
  return changed;
}
