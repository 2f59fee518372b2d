//! Dynamic batching: threads that own a model's networks, fed by a bounded queue, batch the requests that wait.
//!
//! ```text
//! many tasks ─ run(inputs).await ─► queue, bounded ─► thread: first of the queue, and what of the same shape waits behind it
//!                                                        └─► stack ─ network ─ split ─► each task's outputs
//! ```
//!
//! Whoever prepares inputs takes a slot first, so that what is prepared and not yet answered is bounded whatever the number of tasks.
//! Nothing waits for a batch to fill: while one is computed the next gathers, so batches are full exactly when there is much to do. A batch
//! that does not fit the device's memory is halved, and later ones are no larger. A task that is dropped leaves the queue.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::network::{Network, RunError};
use crate::{Inputs, Outputs, Signature, Tensor};

/// A model that runs; clones share it.
#[derive(Clone)]
pub struct Worker {
    queue: mpsc::Sender<Job>,
    slots: Arc<Semaphore>,
    signature: Arc<Signature>,
    meter: Arc<Meter>,
}

/// Leave to prepare one picture's inputs, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    _permit: Option<OwnedSemaphorePermit>,
}

struct Job {
    inputs: Inputs,
    answer: oneshot::Sender<Result<Outputs, RunError>>,
}

/// What a worker did so far.
#[derive(Debug, Default)]
pub struct Meter {
    /// Microseconds that networks ran.
    pub busy_us: AtomicU64,
    /// Calls of a network.
    pub calls: AtomicU64,
    /// Pictures that were answered.
    pub answered: AtomicU64,
    /// Batches that were halved.
    pub halved: AtomicU64,
}

impl Worker {
    /// One thread for each network; all are the same one, loaded so many times. `batch` is the most pictures of one call; networks whose first
    /// axis is fixed get one.
    pub fn start(networks: Vec<Box<dyn Network>>, batch: usize) -> Option<Self> {
        let signature = Arc::new(networks.first()?.signature().clone());
        let one_each = signature.inputs.values().any(|sizes| sizes.first().is_some_and(Option::is_some));
        let batch = if one_each { 1 } else { batch.max(1) };
        // What one call takes waits while another is computed, and every core prepares one more.
        let at_work = 2 * batch * networks.len();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (queue, jobs) = mpsc::channel(at_work);
        let slots = Arc::new(Semaphore::new(at_work + cores));
        let meter = Arc::new(Meter::default());
        let shared = Arc::new(Shared {
            jobs: Mutex::new(Waiting { jobs, next: None }),
            most: AtomicUsize::new(batch),
            meter: Arc::clone(&meter),
        });
        for mut network in networks {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                while let Some(batch) = shared.next() {
                    shared.answer(network.as_mut(), batch);
                }
            });
        }
        Some(Self { queue, slots, signature, meter })
    }

    /// What its network takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// What it did so far.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Waits until few enough pictures are prepared and not yet answered: inputs and outputs may be larger than the picture.
    pub async fn slot(&self) -> Slot {
        // It is never closed.
        Slot { _permit: Arc::clone(&self.slots).acquire_owned().await.ok() }
    }

    /// One picture's outputs. Waits while the queue is full.
    pub async fn run(&self, inputs: Inputs) -> Result<Outputs, RunError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job { inputs, answer }).await.map_err(|_| RunError::Stopped)?;
        answered.await.unwrap_or(Err(RunError::Stopped))
    }
}

struct Shared {
    jobs: Mutex<Waiting>,
    /// The largest batch that the device's memory took.
    most: AtomicUsize,
    meter: Arc<Meter>,
}

struct Waiting {
    jobs: mpsc::Receiver<Job>,
    /// Had another shape than the batch before it.
    next: Option<Job>,
}

impl Shared {
    /// The next batch: inputs of one shape. None when nobody can ask any more.
    fn next(&self) -> Option<Vec<Job>> {
        let mut waiting = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Vec::new();
        while batch.is_empty() {
            let job = match waiting.next.take() {
                Some(job) => job,
                None => waiting.jobs.blocking_recv()?,
            };
            batch.extend((!job.answer.is_closed()).then_some(job));
        }
        while batch.len() < self.most.load(Ordering::Relaxed)
            && let Ok(job) = waiting.jobs.try_recv()
        {
            if job.answer.is_closed() {
                continue;
            }
            if shapes(&job.inputs).eq(shapes(&batch[0].inputs)) {
                batch.push(job);
            } else {
                waiting.next = Some(job);
                break;
            }
        }
        Some(batch)
    }

    fn answer(&self, network: &mut dyn Network, batch: Vec<Job>) {
        let mut parts = VecDeque::from([batch]);
        while let Some(mut part) = parts.pop_front() {
            let most = self.most.load(Ordering::Relaxed).max(1);
            if part.len() > most {
                parts.push_front(part.split_off(most));
            }
            let began = Instant::now();
            let outputs = run(network, &part);
            self.meter.busy_us.fetch_add(began.elapsed().as_micros() as u64, Ordering::Relaxed);
            self.meter.calls.fetch_add(1, Ordering::Relaxed);
            match outputs {
                Ok(outputs) => {
                    self.meter.answered.fetch_add(part.len() as u64, Ordering::Relaxed);
                    part.into_iter().zip(outputs).for_each(|(job, outputs)| drop(job.answer.send(Ok(outputs))));
                }
                Err(RunError::OutOfMemory(_)) if part.len() > 1 => {
                    self.meter.halved.fetch_add(1, Ordering::Relaxed);
                    self.most.fetch_min(part.len() / 2, Ordering::Relaxed);
                    parts.push_front(part);
                }
                Err(error) if part.len() > 1 && matches!(error, RunError::Failed(_)) => {
                    // One picture may be at fault: each is asked about alone, so that the others get their answers.
                    part.into_iter().rev().for_each(|job| parts.push_front(vec![job]));
                }
                Err(error) => part.into_iter().for_each(|job| drop(job.answer.send(Err(error.clone())))),
            }
        }
    }
}

fn shapes(inputs: &Inputs) -> impl Iterator<Item = (&str, &[usize])> {
    inputs.iter().map(|(role, tensor)| (*role, tensor.shape()))
}

/// The outputs of each picture of a batch.
fn run(network: &mut dyn Network, batch: &[Job]) -> Result<Vec<Outputs>, RunError> {
    if let [job] = batch {
        let inputs: Vec<(&str, &Tensor)> = job.inputs.iter().map(|(role, tensor)| (*role, tensor.as_ref())).collect();
        return Ok(vec![Outputs::new(network.run(&inputs)?)]);
    }
    let stacked: Vec<(&str, Tensor)> = (0..batch[0].inputs.len()).map(|i| stack(batch, i)).collect();
    let inputs: Vec<(&str, &Tensor)> = stacked.iter().map(|(role, tensor)| (*role, tensor)).collect();
    let mut each: Vec<Vec<(String, Tensor)>> = vec![Vec::new(); batch.len()];
    for (role, tensor) in network.run(&inputs)? {
        let (shape, data) = (tensor.shape().to_vec(), tensor.data());
        if shape.first() != Some(&batch.len()) {
            let message = format!("`{role}` of {} pictures has the shape {shape:?}", batch.len());
            return Err(RunError::Failed(message));
        }
        let one = data.len() / batch.len();
        let mut single = shape;
        single[0] = 1;
        for (outputs, part) in each.iter_mut().zip(data.chunks(one.max(1))) {
            outputs.push((role.clone(), Tensor::new(single.clone(), part.to_vec())));
        }
    }
    Ok(each.into_iter().map(Outputs::new).collect())
}

fn stack(batch: &[Job], input: usize) -> (&str, Tensor) {
    let (role, first) = &batch[0].inputs[input];
    let mut data = Vec::with_capacity(first.data().len() * batch.len());
    batch.iter().for_each(|job| data.extend_from_slice(job.inputs[input].1.data()));
    let mut shape = first.shape().to_vec();
    shape[0] *= batch.len();
    (role, Tensor::new(shape, data))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Doubles each number; holds at most so many pictures, and dislikes one number.
    struct Doubling {
        signature: Signature,
        holds: usize,
        pause: Duration,
    }

    impl Network for Doubling {
        fn signature(&self) -> &Signature {
            &self.signature
        }

        fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<(String, Tensor)>, RunError> {
            std::thread::sleep(self.pause);
            let (_, x) = inputs[0];
            if x.shape()[0] > self.holds {
                return Err(RunError::OutOfMemory("no room".into()));
            }
            if x.data().contains(&13.0) {
                return Err(RunError::Failed("thirteen".into()));
            }
            Ok(vec![("y".into(), Tensor::new(x.shape(), x.data().iter().map(|x| 2.0 * x).collect()))])
        }
    }

    fn worker(holds: usize, batch: usize, pause_ms: u64) -> Worker {
        let signature = Signature { inputs: [("x".into(), vec![None, Some(1)])].into(), ..Signature::default() };
        let network = Doubling { signature, holds, pause: Duration::from_millis(pause_ms) };
        Worker::start(vec![Box::new(network)], batch).unwrap()
    }

    async fn double(worker: &Worker, x: f32) -> Result<f32, RunError> {
        let outputs = worker.run(vec![("x", Arc::new(Tensor::new([1, 1], vec![x])))]).await?;
        Ok(outputs.get("y").unwrap().data()[0])
    }

    async fn all(worker: &Worker, numbers: impl IntoIterator<Item = f32>) -> Vec<Result<f32, RunError>> {
        let tasks: Vec<_> = numbers
            .into_iter()
            .map(|x| {
                let worker = worker.clone();
                tokio::spawn(async move { double(&worker, x).await })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers
    }

    #[tokio::test]
    async fn each_gets_its_own_answer_and_batches_fill_under_load() {
        let worker = worker(usize::MAX, 8, 2);
        let answers = all(&worker, (0..64).map(|x| x as f32 + 20.0)).await;
        for (x, answer) in (0..64).zip(answers) {
            assert_eq!(answer, Ok(2.0 * (x as f32 + 20.0)));
        }
        assert_eq!(worker.meter().answered.load(Ordering::Relaxed), 64);
        // The first may be alone.
        assert!(worker.meter().calls.load(Ordering::Relaxed) <= 16);
    }

    #[tokio::test]
    async fn memory_that_runs_out_halves_the_batch() {
        let worker = worker(3, 16, 1);
        let answers = all(&worker, (0..64).map(|x| x as f32 + 20.0)).await;
        assert!(answers.iter().all(Result::is_ok));
        // 16, 8 and 4 are too many, once each.
        assert!((1..=3).contains(&worker.meter().halved.load(Ordering::Relaxed)));
        // One that does not fit alone fails.
        let error = double(&self::worker(0, 16, 0), 1.0).await.unwrap_err();
        assert_eq!(error, RunError::OutOfMemory("no room".into()));
    }

    #[tokio::test]
    async fn one_bad_picture_spoils_no_other() {
        let worker = worker(usize::MAX, 8, 2);
        let answers = all(&worker, (0..32).map(|x| x as f32)).await;
        for (x, answer) in answers.iter().enumerate() {
            assert_eq!(answer.is_err(), x == 13);
        }
    }

    #[tokio::test]
    async fn a_task_that_is_dropped_leaves_the_queue() {
        let worker = worker(usize::MAX, 1, 20);
        let first = tokio::spawn({
            let worker = worker.clone();
            async move { double(&worker, 1.0).await }
        });
        tokio::time::sleep(Duration::from_millis(5)).await;
        // Waits in the queue behind the first, and is given up.
        let gave_up = tokio::time::timeout(Duration::from_millis(5), double(&worker, 2.0)).await;
        assert!(gave_up.is_err());
        assert_eq!(first.await.unwrap(), Ok(2.0));
        assert_eq!(double(&worker, 3.0).await, Ok(6.0));
        assert_eq!(worker.meter().calls.load(Ordering::Relaxed), 2);
    }
}
