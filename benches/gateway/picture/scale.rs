//! The scale of an axis, which is logarithmic.

/// From a value to its place, by its logarithm.
pub(super) struct Scale {
    /// Of the least and the most value.
    decades: [f64; 2],
    pub(super) ends: [f64; 2],
}

impl Scale {
    /// Whole decades around all values.
    pub(super) fn over(values: impl Iterator<Item = f64>, ends: [f64; 2]) -> Self {
        let logs = values.map(f64::log10);
        let [least, most] = logs.fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], log| {
            [least.min(log), most.max(log)]
        });
        let decades = match least.is_finite() {
            true => [least.floor(), most.ceil().max(least.floor() + 1.0)],
            false => [0.0, 1.0],
        };
        Self { decades, ends }
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let [least, most] = self.decades;
        let share = (value.log10() - least) / (most - least);
        self.ends[0] + share * (self.ends[1] - self.ends[0])
    }

    /// The powers of ten, and their places.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, f64)> {
        let [least, most] = self.decades.map(|decade| decade as i32);
        (least..=most).map(|power| {
            let value = 10_f64.powi(power);
            (value, self.place(value))
        })
    }
}
