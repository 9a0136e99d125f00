package cuda

import (
	"errors"
	"fmt"
	"os"

	"adainfilter/cuda/driver"
)

// pathVariable forces one of the two ways to multiply: "80" is mma.sync, "90" is wgmma, without a self-test.
const pathVariable = "ADAIN_CUDA_PATH"

// choosePath decides whether convolutions multiply by wgmma: where the GPU has it and the self-test finds that it does as the kernels
// expect, or as pathVariable says. What speaks against wgmma on a GPU that has it becomes the device's warning. Errors: a value of the
// variable that means nothing, or one that this GPU cannot do.
func (d *device) choosePath() error {
	switch path := os.Getenv(pathVariable); {
	case path == "80":
		d.wgmma = false
	case path == "90" && d.capability != hopper:
		return fmt.Errorf("%s is 90, but GPU %d (%s) has compute capability %d.%d and no wgmma; wanted 80, or nothing", pathVariable, d.number,
			d.name, d.capability/10, d.capability%10)
	case path == "90":
		d.wgmma = true
	case path != "":
		return fmt.Errorf("%s is %q, wanted 80 (mma.sync), 90 (wgmma), or nothing", pathVariable, path)
	case d.capability == hopper:
		d.warning = d.doubt()
		d.wgmma = d.warning == ""
	}
	return nil
}

// doubt is what speaks against wgmma on this GPU, "" for nothing: the verdict of an earlier self-test under this driver, or else of one now.
// One that came to no end decides for now only.
func (d *device) doubt() string {
	key, known := d.verdictKey()
	if known {
		if text, ok := readVerdict(key); ok {
			return text
		}
	}
	checks, err := d.selftestApart()
	if err != nil {
		return fmt.Sprintf("%s multiplies by mma.sync, which is slower, since the self-test of wgmma failed: %v", d.name, err)
	}
	text := ""
	for _, c := range checks {
		if !c.Question && c.Wrong != 0 {
			text = fmt.Sprintf("%s multiplies by mma.sync, which is slower, since a self-test says that \"%s\" does not do there what the kernels "+
				"expect (%d values are wrong); %s=90 uses it all the same, adain bench --selftest shows all checks", d.name, c.Name, c.Wrong, pathVariable)
			break
		}
	}
	if known {
		keepVerdict(key, text)
	}
	return text
}

// selftestApart runs the self-test in a context of its own: a kernel that fails there leaves the engine's context as it is.
func (d *device) selftestApart() (checks []Check, err error) {
	apart := *d
	apart.primary = false
	if apart.context, err = driver.NewContext(d.number); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, driver.DestroyContext(apart.context)) }()
	if err := apart.enter(); err != nil {
		return nil, err
	}
	defer apart.leave()
	return selftestHopper(&apart)
}
