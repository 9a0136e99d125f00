/* An allocator that has memory for a number of buffers only, each of which lets itself be mapped a number of times. */
#include "harness.h"

typedef struct {
  GstAllocator parent;
  gint allocations, maps;       /* that are left */
} ScarceAllocator;
typedef GstAllocatorClass ScarceAllocatorClass;
G_DEFINE_TYPE (ScarceAllocator, scarce_allocator, GST_TYPE_ALLOCATOR);

typedef struct {
  GstMemory parent;
  guint8 data[];
} ScarceMemory;

static GstMemory *
scarce_alloc (GstAllocator * allocator, gsize size, GstAllocationParams * params)
{
  gsize whole = size + params->prefix + params->padding;
  ScarceMemory *memory;

  if (g_atomic_int_add (&((ScarceAllocator *) allocator)->allocations, -1) <= 0)
    return NULL;
  memory = g_malloc0 (sizeof *memory + whole);
  gst_memory_init (&memory->parent, GST_MEMORY_FLAG_NO_SHARE, allocator, NULL, whole, 0, params->prefix, size);
  return &memory->parent;
}

static void
scarce_free (GstAllocator * allocator, GstMemory * memory)
{
  g_free (memory);
}

static gpointer
scarce_map (GstMemory * memory, gsize size, GstMapFlags flags)
{
  if (g_atomic_int_add (&((ScarceAllocator *) memory->allocator)->maps, -1) <= 0)
    return NULL;
  return ((ScarceMemory *) memory)->data;
}

static void
scarce_unmap (GstMemory * memory)
{
}

static void
scarce_allocator_class_init (ScarceAllocatorClass * klass)
{
  klass->alloc = scarce_alloc;
  klass->free = scarce_free;
}

static void
scarce_allocator_init (ScarceAllocator * self)
{
  GstAllocator *allocator = (GstAllocator *) self;

  allocator->mem_type = "scarce";
  allocator->mem_map = scarce_map;
  allocator->mem_unmap = scarce_unmap;
  GST_OBJECT_FLAG_SET (allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator *
hn_scarce (void)
{
  return gst_object_ref_sink (g_object_new (scarce_allocator_get_type (), NULL));
}

void
hn_scarce_set (GstAllocator * allocator, int allocations, int maps)
{
  g_atomic_int_set (&((ScarceAllocator *) allocator)->allocations, allocations);
  g_atomic_int_set (&((ScarceAllocator *) allocator)->maps, maps);
}

/* Lets the sink pad offer a pool of such memory that wants min buffers at once. */
void
hn_scarce_output (GstHarness * h, GstAllocator * allocator, guint min)
{
  GstVideoAlignment align;

  gst_video_alignment_reset (&align);
  hn_offer (h, gst_object_ref (allocator), min, &align);
}
